#!/usr/bin/env bash
# Has all instances replaced by ones of an image: the parameter says which one they start, and a refresh of their
# group replaces them, each new one healthy before an old one goes.
#   infra/deploy/roll-out.sh TAG
set -euo pipefail
tag=${1:?TAG} parameter=${IMAGE_TAG_PARAMETER:-/ecommerce/prod/image-tag} group=${GROUP:-ecommerce-app-asg}
# The workflow's credentials are good for an hour.
deadline=$((SECONDS + 60 * ${DEADLINE_MINUTES:-55}))

refreshes() { # QUERY [ID]
  aws autoscaling describe-instance-refreshes --auto-scaling-group-name "$group" ${2:+--instance-refresh-ids "$2"} \
    --query "$1" --output text
}

# Sets status, once it is one that doesn't change any more.
wait_for() { # ID
  local now before=
  while :; do
    now=$(refreshes 'InstanceRefreshes[0].[Status, PercentageComplete, StatusReason]' "$1")
    [ "$now" = "$before" ] || echo "$group: $now"
    before=$now status=${now%%$'\t'*}
    case $status in Successful | Failed | Cancelled | RollbackSuccessful | RollbackFailed) return ;; esac
    if [ $SECONDS -ge $deadline ]; then
      status="still $status, and not waited for any longer"
      return
    fi
    sleep "${POLL_SECONDS:-15}"
  done
}

former=$(aws ssm get-parameter --name "$parameter" --query Parameter.Value --output text)

# A group has one refresh at a time. One that goes on is of a release that this one is to replace.
going_on=$(refreshes \
  "InstanceRefreshes[?contains(['Pending', 'InProgress', 'Baking'], Status)].InstanceRefreshId | [0]")
if [ "$going_on" != None ]; then
  echo "$group: the refresh $going_on goes on, and is cancelled"
  aws autoscaling cancel-instance-refresh --auto-scaling-group-name "$group" >/dev/null
  wait_for "$going_on"
fi

aws ssm put-parameter --name "$parameter" --value "$tag" --overwrite >/dev/null
refresh=$(aws autoscaling start-instance-refresh --auto-scaling-group-name "$group" \
  --preferences MinHealthyPercentage=100,MaxHealthyPercentage=150,InstanceWarmup=180 \
  --query InstanceRefreshId --output text)
echo "$group: the refresh $refresh brings $tag, after $former"
wait_for "$refresh"
if [ "$status" != Successful ]; then
  cat >&2 <<END
The roll-out of $tag is $status. Instances that were not replaced run $former; new ones start $tag.
To roll back, run the workflow by hand: gh workflow run deploy.yml -f image_tag=$former
END
  exit 1
fi
