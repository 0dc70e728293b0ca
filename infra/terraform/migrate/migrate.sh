#!/usr/bin/env bash
# The migration step, before each deployment: it makes the secrets that have no value yet, brings the tables up to
# date, makes the engine's own database user and sets Redis' token. Where nothing is missing it changes nothing.
# ROTATE changes a secret besides: see infra/runbooks/rotate.md.
#
# Values are in files that only this user can read, in memory, for as long as this runs: never in the log, on a
# command line or in the settings of a container.
set -euo pipefail
umask 077

say() { echo "migrate: $*"; }
fail() {
  echo "migrate: $*" >&2
  exit 1
}

: "${REPOSITORY_URL:?}" "${DATABASE_SECRET:?}" "${SIGNING_SECRET:?}" "${DATABASE_HOST:?}" "${DATABASE_NAME:?}"
: "${DATABASE_ADMIN:?}" "${DATABASE_USER:?}" "${RDS_CA_URL:?}"
ROTATE=${ROTATE:-} REDIS_GROUP=${REDIS_GROUP:-} MASTER_SECRET_ARN=${MASTER_SECRET_ARN:-}
case $ROTATE in
  '' | database | signing-add | signing-switch | signing-drop) ;;
  redis-add | redis-drop) [ -n "$REDIS_GROUP" ] || fail "ROTATE=$ROTATE needs REDIS_GROUP: this Redis has no token" ;;
  *) fail "ROTATE=$ROTATE is none of database, signing-add, signing-switch, signing-drop, redis-add, redis-drop" ;;
esac
[ -n "$MASTER_SECRET_ARN" ] || : "${DATABASE_INSTANCE:?}"
[ -z "$REDIS_GROUP" ] || : "${REDIS_SECRET:?}"

work=$(mktemp -d /dev/shm/migrate.XXXXXX)
trap 'rm -rf "$work"' EXIT
export DOCKER_CONFIG=$work/docker

# --- secrets ---

# Whether a secret has a value, or one at another stage.
has_value() { # SECRET [STAGE]
  local found
  found=$(aws secretsmanager describe-secret --secret-id "$1" --output text \
    --query "contains(values(not_null(VersionIdsToStages, \`{}\`))[], '${2:-AWSCURRENT}')") ||
    fail "the secret $1 can't be looked at. Terraform makes it and lets this role read it: apply that first"
  [ "$found" = True ]
}

read_value() { # SECRET FILE [STAGE]
  aws secretsmanager get-secret-value --secret-id "$1" --version-stage "${3:-AWSCURRENT}" \
    --query SecretString --output text >"$2.line" || fail "the secret $1 can't be read"
  printf %s "$(<"$2.line")" >"$2"
}

write_value() { # SECRET FILE [STAGE]
  aws secretsmanager put-secret-value --secret-id "$1" --secret-string "file://$2" \
    --version-stages "${3:-AWSCURRENT}" --query VersionId --output text >"$work/version" ||
    fail "the secret $1 can't be given its value. Run this again: it goes on from here"
}

# 40 letters and digits, which have 238 bits: nothing that a URL or a command would have to quote.
new_password() { # FILE
  local text
  text=$(openssl rand -base64 96 | tr -dc 'A-Za-z0-9')
  printf %s "${text:0:40}" >"$1"
}

# As auth.signing_keys has it, with the moment as the key's id.
new_signing_key() { # FILE
  printf 'k%s:%s' "$(date -u +%Y%m%d%H%M%S)" "$(openssl rand -base64 32)" >"$1"
}

# The value that a secret is to have next, at the stage AWSPENDING until it is in force: what a run that broke off left
# there is taken up again, as a third value would end the one that instances have.
next_password() { # SECRET
  read_value "$1" "$work/current"
  if has_value "$1" AWSPENDING; then
    read_value "$1" "$work/next" AWSPENDING
    cmp --silent "$work/next" "$work/current" || return 0
  fi
  new_password "$work/next"
  write_value "$1" "$work/next" AWSPENDING
}

make_missing_values() {
  if ! has_value "$DATABASE_SECRET"; then
    new_password "$work/database"
    write_value "$DATABASE_SECRET" "$work/database"
    say "made the database user's password ($DATABASE_SECRET)"
  fi
  if ! has_value "$SIGNING_SECRET"; then
    new_signing_key "$work/signing"
    write_value "$SIGNING_SECRET" "$work/signing"
    say "made the signing key ($SIGNING_SECRET)"
  fi
}

# docs/operations.md, "Changing the signing key": a step each, and between them all instances are replaced.
rotate_signing() { # add | switch | drop
  local keys
  read_value "$SIGNING_SECRET" "$work/signing"
  keys=$(<"$work/signing")
  case $1-$keys in
    add-*,*) fail "the signing key has a second one already: go on with signing-switch" ;;
    switch-*,* | drop-*,* | add-*) ;;
    *) fail "there is one signing key: begin with signing-add" ;;
  esac
  case $1 in
    add)
      new_signing_key "$work/new"
      keys=$keys,$(<"$work/new")
      ;;
    switch) keys=${keys#*,},${keys%%,*} ;;
    drop) keys=${keys%%,*} ;;
  esac
  printf %s "$keys" >"$work/signing"
  write_value "$SIGNING_SECRET" "$work/signing"
  say "tokens are signed with ${keys%%:*}. Replace all instances now, as infra/runbooks/rotate.md says"
}

# --- the database ---

prepare_image() {
  image=$REPOSITORY_URL:${IMAGE_TAG:-$(aws ssm get-parameter --name "${IMAGE_TAG_PARAMETER:?}" \
    --query Parameter.Value --output text)}
  mkdir "$work/docker"
  aws ecr get-login-password |
    docker login --username AWS --password-stdin "${REPOSITORY_URL%%/*}" >"$work/login" 2>&1 ||
    fail "the registry refuses this role: $(<"$work/login")"
  docker pull --quiet "$image" ||
    fail "there is no image $image for this machine. Push it first, or choose another tag"
}

# What connections to the database are checked by.
fetch_authorities() {
  curl --fail --silent --show-error --location --retry 3 --output "$work/rds-ca.pem" "$RDS_CA_URL" ||
    fail "the certificates of RDS can't be fetched from $RDS_CA_URL"
  [ -n "${RDS_CA_SHA256:-}" ] || return 0
  echo "$RDS_CA_SHA256  $work/rds-ca.pem" | sha256sum --check --status ||
    fail "what $RDS_CA_URL has isn't the file with the SHA-256 $RDS_CA_SHA256. If AWS has new certificates, set it anew"
}

# Where RDS keeps the master's password it also changes it: this is the one of the hour. Where it doesn't, nobody
# needs to know that password, and the step gives the master another each time.
sign_in_as_master() {
  local state deadline=$((SECONDS + 600))
  if [ -n "$MASTER_SECRET_ARN" ]; then
    read_value "$MASTER_SECRET_ARN" "$work/secret"
    jq --join-output .password "$work/secret" >"$work/master" || fail "the master's secret isn't JSON with a password"
    return
  fi
  new_password "$work/master"
  aws rds modify-db-instance --db-instance-identifier "$DATABASE_INSTANCE" --apply-immediately \
    --master-user-password "file://$work/master" --query DBInstance.DBInstanceStatus --output text >"$work/state" ||
    fail "the master can't be given a password. Run this again once $DATABASE_INSTANCE is available"
  while :; do
    state=$(aws rds describe-db-instances --db-instance-identifier "$DATABASE_INSTANCE" --output text \
      --query 'DBInstances[0].[DBInstanceStatus, PendingModifiedValues.MasterUserPassword]')
    [ "$state" = $'available\tNone' ] && return
    [ $SECONDS -lt $deadline ] ||
      fail "$DATABASE_INSTANCE isn't available after ten minutes: $state. Run this again later"
    sleep "${POLL_SECONDS:-10}"
  done
}

# The engine's command line as the database's master. No variable has a password: Docker writes those to disk.
martlet() {
  local tls="ssl-mode=VERIFY_IDENTITY&ssl-ca=/run/martlet/rds-ca.pem"
  docker run --rm --read-only --cap-drop ALL --user "$(id -u):$(id -g)" --volume "$work:/run/martlet:ro" \
    --env "DATABASE_URL=mysql://$DATABASE_ADMIN@$DATABASE_HOST/$DATABASE_NAME?$tls" \
    --env MARTLET_DATABASE__PASSWORD_FILE=/run/martlet/master "$image" "$@"
}

migrate_database() {
  martlet migrate || fail "the tables are not up to date; instances were left alone. What the engine says is above"
  read_value "$DATABASE_SECRET" "$work/database"
  martlet database-user "$DATABASE_USER" --password-file /run/martlet/database ||
    fail "the user $DATABASE_USER can't be made. What the engine says is above"
}

# The former password works until the next time.
rotate_database() {
  next_password "$DATABASE_SECRET"
  martlet database-user "$DATABASE_USER" --password-file /run/martlet/next ||
    fail "$DATABASE_USER still has its former password. What the engine says is above"
  write_value "$DATABASE_SECRET" "$work/next"
  say "instances take up the new password within five minutes"
}

# --- Redis ---

# Changes the token and waits until that is done. ROTATE adds one to what was let in before, be it a token or anybody;
# SET, which AWS takes only after it, leaves this one alone.
change_token() { # ROTATE | SET, FILE
  local state deadline=$((SECONDS + 600))
  aws elasticache modify-replication-group --replication-group-id "$REDIS_GROUP" --apply-immediately \
    --auth-token "file://$2" --auth-token-update-strategy "$1" \
    --query ReplicationGroup.Status --output text >"$work/state" ||
    fail "Redis' token can't be changed. Run this again once $REDIS_GROUP is available"
  while :; do
    state=$(aws elasticache describe-replication-groups --replication-group-id "$REDIS_GROUP" --output text \
      --query 'ReplicationGroups[0].[Status, PendingModifiedValues.AuthTokenStatus]')
    [ "$state" = $'available\tNone' ] && return
    [ $SECONDS -lt $deadline ] || fail "$REDIS_GROUP isn't available after ten minutes: $state. Run this again later"
    sleep "${POLL_SECONDS:-15}"
  done
}

# The secret gets its value last. Without one all of this is done again, with another token, so that a run that broke
# off leaves no Redis behind that lets anybody in.
set_redis_token() {
  local enabled
  if has_value "$REDIS_SECRET"; then
    enabled=$(aws elasticache describe-replication-groups --replication-group-id "$REDIS_GROUP" --output text \
      --query 'ReplicationGroups[0].AuthTokenEnabled')
    [ "$enabled" = True ] && return
    read_value "$REDIS_SECRET" "$work/redis"
  else
    new_password "$work/redis"
  fi
  say "$REDIS_GROUP gets its token, which takes some minutes"
  change_token ROTATE "$work/redis"
  change_token SET "$work/redis"
  has_value "$REDIS_SECRET" || write_value "$REDIS_SECRET" "$work/redis"
  say "$REDIS_GROUP lets in those with the token alone ($REDIS_SECRET)"
}

rotate_redis() { # add | drop
  if [ "$1" = add ]; then
    next_password "$REDIS_SECRET"
    change_token ROTATE "$work/next"
    write_value "$REDIS_SECRET" "$work/next"
    say "both tokens work. Replace all instances now, as infra/runbooks/rotate.md says"
  else
    read_value "$REDIS_SECRET" "$work/redis"
    change_token SET "$work/redis"
    say "the former token works no more"
  fi
}

make_missing_values
prepare_image
fetch_authorities
sign_in_as_master
migrate_database
if [ -n "$REDIS_GROUP" ]; then
  set_redis_token
fi
case $ROTATE in
  database) rotate_database ;;
  signing-*) rotate_signing "${ROTATE#signing-}" ;;
  redis-*) rotate_redis "${ROTATE#redis-}" ;;
esac
say "done"
