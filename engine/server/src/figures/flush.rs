//! What was counted goes into the database.

use std::{sync::Arc, time::Duration};

use martlet_domain::Timestamp;
use martlet_store::{Flush, NewFigures};
use tokio::time::{sleep, timeout};

use super::{
    Counters,
    shards::{Counted, Key},
};
use crate::error::Error;

/// How often what was counted goes into the database.
pub const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Lines of an installation that are kept in the database: the newest.
pub(super) const KEPT_LINES: u32 = 1_000;
/// How long a flush may take.
const LONGEST: Duration = Duration::from_secs(30);
/// How long a reader waits for a flush.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the same figures are tried to be written before they are given up.
const MOST_TRIES: u32 = 100;
/// How often the same lines are.
const MOST_LINE_TRIES: u32 = 5;
/// How many flushes there are between two looks for rows of instances that have gone.
const ROUNDS: u32 = 60;
/// After how long without a change a row is folded into that of the instances that have gone. Longer than
/// a flush can be tried.
const FOLDED_AFTER: Duration = Duration::from_secs(3_600);
/// Installations whose rows are folded at a time.
const FOLDED: u32 = 100;

/// What is on its way into the database.
#[derive(Debug, Default)]
pub(super) struct Flushing {
    /// The number of the last flush.
    number: i64,
    /// What was taken and whose lines aren't all written.
    taken: Vec<(Key, Counted)>,
    /// How often their lines couldn't be written.
    line_tries: u32,
    /// What is to be written, and may have been.
    pending: Option<Batch>,
}

/// What is written together, under one number.
#[derive(Debug)]
struct Batch {
    flush: Flush,
    figures: Vec<NewFigures>,
    tries: u32,
}

impl Counters {
    /// Writes what was counted until the process ends, and folds the rows of instances that have gone.
    pub async fn run(self: Arc<Self>) {
        for round in 1_u32.. {
            sleep(FLUSH_EVERY).await;
            match timeout(LONGEST, self.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("figures of plugins wait to be written: {error}"),
                Err(_) => {
                    tracing::warn!("figures of plugins wait to be written: the database is slow")
                }
            }
            if round % ROUNDS == 0 {
                match timeout(LONGEST, self.fold()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!("figures of plugins aren't folded yet: {error}"),
                    Err(_) => tracing::warn!("figures of plugins aren't folded yet: the database is slow"),
                }
            }
        }
    }

    /// Writes what was counted so far. What couldn't be written is written the next time.
    pub async fn flush(&self) -> Result<(), Error> {
        let mut flushing = self.flushing.lock().await;
        self.write(&mut flushing).await?;
        if flushing.taken.is_empty() {
            flushing.taken = self.take_waiting();
        }
        self.write_lines(&mut flushing).await?;
        if !flushing.taken.is_empty() {
            flushing.number += 1;
            let flush = Flush { instance: self.instance, number: flushing.number, at: self.clock.now() };
            let taken = std::mem::take(&mut flushing.taken).into_iter();
            let figures = taken.map(|((store, installation), counted)| NewFigures {
                store,
                installation,
                figures: counted.figures,
            });
            flushing.pending = Some(Batch { flush, figures: figures.collect(), tries: 0 });
        }
        self.write(&mut flushing).await
    }

    /// The same, for a reader who can do without.
    pub(super) async fn flush_soon(&self) {
        match timeout(PATIENCE, self.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("figures are read without the newest: {error}"),
            Err(_) => tracing::warn!("figures are read without the newest: the database is slow"),
        }
    }

    /// Folds rows that nobody has added to for a while.
    pub async fn fold(&self) -> Result<(), Error> {
        let before: Timestamp = self.clock.now().minus(FOLDED_AFTER);
        while self.db.fold_figures(before, FOLDED).await? == FOLDED as usize {}
        Ok(())
    }

    /// Writes the figures that are on their way. Written twice under their number they count once.
    async fn write(&self, flushing: &mut Flushing) -> Result<(), Error> {
        let Some(batch) = &mut flushing.pending else { return Ok(()) };
        batch.tries += 1;
        let written = self.db.add_figures(batch.flush, &batch.figures).await;
        if let Err(error) = &written
            && batch.tries >= MOST_TRIES
        {
            tracing::error!(installations = batch.figures.len(), "figures of plugins are given up: {error}");
            flushing.pending = None;
        }
        written?;
        flushing.pending = None;
        Ok(())
    }

    /// Writes lines, each once. They are held until they are written, whether that fails or isn't waited
    /// for, and with them the figures that count them; but not for ever.
    async fn write_lines(&self, flushing: &mut Flushing) -> Result<(), Error> {
        for ((store, installation), counted) in &mut flushing.taken {
            if counted.lines.is_empty() {
                continue;
            }
            let lines = counted.lines.make_contiguous();
            let written = self.db.insert_log_entries(*store, *installation, lines, KEPT_LINES).await;
            if let Err(error) = written {
                flushing.line_tries += 1;
                if flushing.line_tries < MOST_LINE_TRIES {
                    return Err(error.into());
                }
                tracing::warn!("lines that plugins logged are dropped: {error}");
                break;
            }
            let (many, bytes) = counted.let_lines_go();
            counted.figures.log_lines += many;
            self.shards.put_off(bytes);
        }
        flushing.line_tries = 0;
        // Those that are still there are given up.
        for (_, counted) in &mut flushing.taken {
            let (many, bytes) = counted.let_lines_go();
            counted.figures.log_lines_dropped += many;
            self.shards.put_off(bytes);
        }
        Ok(())
    }
}
