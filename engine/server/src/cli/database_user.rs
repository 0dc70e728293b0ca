//! `martlet database-user`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use martlet_store::UserMade;

use crate::config::Config;

/// Which user it is to be.
#[derive(Debug, Args)]
pub(super) struct UserArgs {
    /// What it is called.
    name: String,
    /// The file that its password stands in.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

/// Makes the user, or gives it its password, and says which.
pub(super) async fn run(config: &Config, asked: UserArgs) -> anyhow::Result<ExitCode> {
    let db = super::open(config).await?;
    let made = db.make_user(&asked.name, &asked.password_file).await?;
    super::print(&words(&asked.name, made))?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn words(name: &str, made: UserMade) -> String {
    match made {
        UserMade::New => format!("made the user {name}"),
        UserMade::SamePassword => format!("{name} has this password already"),
        UserMade::NewPassword { former_works: true } => {
            format!("gave {name} its new password; the former works until the next")
        }
        UserMade::NewPassword { former_works: false } => {
            format!("gave {name} its new password; the former works no more")
        }
    }
}
