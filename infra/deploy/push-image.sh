#!/usr/bin/env bash
# Builds the image and pushes it, unless the repository has the tag already: a workflow that is run again goes on.
#   REPOSITORY_URL=... infra/deploy/push-image.sh TAG PLATFORM
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=${1:?TAG} platform=${2:?PLATFORM, such as linux/amd64}
: "${REPOSITORY_URL:?}"

known=$(aws ecr batch-get-image --repository-name "${REPOSITORY_URL#*/}" --image-ids imageTag="$tag" \
  --query 'length(images)' --output text)
if [ "$known" != 0 ]; then
  echo "$REPOSITORY_URL has $tag already"
  exit
fi
aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY_URL%%/*}"
docker buildx build --file infra/image/Dockerfile --platform "$platform" --build-arg COMMIT="$tag" \
  --tag "$REPOSITORY_URL:$tag" --push .
