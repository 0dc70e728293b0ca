# The state is in a bucket with versions; S3 itself holds the lock. Bucket and key are given at `terraform init`
# (`-backend-config=backend.hcl`), since a backend knows no variables. README.md shows how the bucket is made.
terraform {
  backend "s3" {
    region       = "ap-northeast-2"
    encrypt      = true
    use_lockfile = true
  }
}
