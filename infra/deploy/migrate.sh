#!/usr/bin/env bash
# Runs the migration step with an image, and waits for its end.
#   infra/deploy/migrate.sh TAG
set -euo pipefail
tag=${1:?TAG} project=${MIGRATE_PROJECT:-ecommerce-migrate}

build=$(aws codebuild start-build --project-name "$project" --query build.id --output text \
  --environment-variables-override "name=IMAGE_TAG,value=$tag,type=PLAINTEXT")
echo "$project: $build with the image $tag"
while :; do
  read -r status complete log < <(aws codebuild batch-get-builds --ids "$build" --output text \
    --query 'builds[0].[buildStatus, buildComplete, logs.deepLink]')
  [ "$complete" = True ] && break
  sleep "${POLL_SECONDS:-10}"
done
echo "$project: $status. Its log: $log"
if [ "$status" != SUCCEEDED ]; then
  echo "No instance was touched: the release before goes on. Mend what the log says, and run the workflow again." >&2
  exit 1
fi
