//! What instances have counted of installations.

use martlet_domain::{
    Id,
    figures::{Figures, Trouble},
    plugin::Installation,
};
use martlet_store::{Flush, NewFigures};
use uuid::Uuid;

use crate::{
    harness::{World, id},
    samples::{ODD_TEXT, at, usd},
};

/// On a server all behaviours share a database, and rows are folded in all stores: those of others are later.
const LATER: i64 = 1_000_000;

/// An instance that no other call in this process gets.
fn instance() -> Uuid {
    id::<Installation>().uuid()
}

fn flush(instance: Uuid, number: i64, millis: i64) -> Flush {
    Flush { instance, number, at: at(millis) }
}

/// Figures in which something depends on a number.
fn counted(n: u64) -> Figures {
    let mut figures = Figures { orders: n, ..Figures::default() };
    figures.live.carts = n;
    figures.live.call(n, n, Some("trapped"));
    figures.discounts.add(usd(), i64::try_from(n).unwrap());
    figures
}

fn sum(numbers: &[u64]) -> Figures {
    let mut sum = Figures::default();
    numbers.iter().for_each(|number| sum.merge(&counted(*number)));
    sum
}

async fn add(world: &World, installation: Id<Installation>, flush: Flush, n: u64) {
    let figures = NewFigures { store: world.store, installation, figures: counted(n) };
    world.db.add_figures(flush, &[figures]).await.unwrap();
}

async fn read(world: &World, installation: Id<Installation>) -> Figures {
    world.db.sum_figures(world.store, installation).await.unwrap()
}

/// How many rows an installation has.
async fn rows(world: &World, installation: Id<Installation>) -> u64 {
    let (store, installation) = (world.store.uuid().simple(), installation.uuid().simple());
    let sql = "UPDATE installation_figures SET flush = flush";
    world
        .attempt(format!("{sql} WHERE store_id = X'{store}' AND installation_id = X'{installation}'"))
        .await
        .unwrap()
}

pub(crate) async fn figures_add_up_over_flushes_and_instances(world: World) {
    let (installation, one, two) = (id(), instance(), instance());
    assert_eq!(read(&world, installation).await, Figures::default());
    for (instance, number, n) in [(one, 1, 1), (one, 2, 20), (two, 1, 300), (one, 3, 4_000)] {
        add(&world, installation, flush(instance, number, LATER), n).await;
    }
    assert_eq!(read(&world, installation).await, sum(&[1, 20, 300, 4_000]));
    assert_eq!(rows(&world, installation).await, 2);
}

pub(crate) async fn figures_round_trip_at_their_extremes(world: World) {
    let installation = id();
    let reason = ODD_TEXT.repeat(20);
    let mut figures = Figures { orders: u64::MAX, ..counted(u64::MAX / 2) };
    figures.trouble = Some(Trouble { at: at(i64::MAX), reason, quarantined: true });
    figures.discounts.add(usd(), i64::MIN);
    let new = NewFigures { store: world.store, installation, figures: figures.clone() };
    world.db.add_figures(flush(instance(), i64::MAX, i64::MAX), &[new]).await.unwrap();
    assert_eq!(read(&world, installation).await, figures);
}

pub(crate) async fn a_flush_that_is_made_again_changes_nothing(world: World) {
    let (installation, instance) = (id(), instance());
    for number in [7, 7, 6, 8, 8] {
        add(&world, installation, flush(instance, number, LATER), 1).await;
    }
    assert_eq!(read(&world, installation).await, sum(&[1, 1]));
}

pub(crate) async fn a_hundred_installations_are_added_to_at_once(world: World) {
    let installations: Vec<Id<Installation>> = (0..100).map(|_| id()).collect();
    let instance = instance();
    for number in [1, 2] {
        let new = (1..).zip(&installations).map(|(n, installation)| NewFigures {
            store: world.store,
            installation: *installation,
            figures: counted(n),
        });
        world.db.add_figures(flush(instance, number, LATER), &new.collect::<Vec<_>>()).await.unwrap();
    }
    assert_eq!(read(&world, installations[0]).await, sum(&[1, 1]));
    assert_eq!(read(&world, installations[99]).await, sum(&[100, 100]));
}

pub(crate) async fn old_rows_are_folded_and_their_sum_stays(world: World) {
    let (installation, other) = (id(), id());
    let (one, two, three) = (instance(), instance(), instance());
    add(&world, installation, flush(one, 1, 11_000), 1).await;
    add(&world, installation, flush(two, 1, 12_000), 2).await;
    add(&world, installation, flush(three, 1, 19_000), 3).await;
    add(&world, other, flush(three, 1, 19_000), 4).await;
    while world.db.fold_figures(at(13_000), 1).await.unwrap() == 1 {}
    assert_eq!((rows(&world, installation).await, rows(&world, other).await), (2, 1));
    assert_eq!(read(&world, installation).await, sum(&[1, 2, 3]));
    // An instance that has only been silent goes on with another row, which is folded in its turn.
    add(&world, installation, flush(one, 2, 19_000), 10).await;
    assert_eq!((rows(&world, installation).await, read(&world, installation).await), (3, sum(&[1, 2, 3, 10])));
    while world.db.fold_figures(at(19_001), 1).await.unwrap() == 1 {}
    assert_eq!((rows(&world, installation).await, read(&world, installation).await), (1, sum(&[1, 2, 3, 10])));
    assert_eq!((rows(&world, other).await, read(&world, other).await), (1, sum(&[4])));
}

pub(crate) async fn figures_are_folded_and_added_to_at_once_without_loss(world: World) {
    let installation = id();
    let instances: Vec<Uuid> = (0..4).map(|_| instance()).collect();
    let adding = instances.into_iter().map(|instance| {
        let (db, store) = (world.db.clone(), world.store);
        tokio::spawn(async move {
            for number in 1..=10 {
                let new = NewFigures { store, installation, figures: counted(1) };
                db.add_figures(flush(instance, number, 1_000), &[new]).await.unwrap();
                db.fold_figures(at(2_000), 1_000).await.unwrap();
            }
        })
    });
    for adding in adding.collect::<Vec<_>>() {
        adding.await.unwrap();
    }
    assert_eq!(read(&world, installation).await, sum(&[1; 40]));
}

pub(crate) async fn a_row_that_cannot_be_read_leaves_the_others(world: World) {
    let (installation, one, two) = (id(), instance(), instance());
    add(&world, installation, flush(one, 1, LATER), 1).await;
    add(&world, installation, flush(two, 1, LATER), 2).await;
    world
        .damage(format!(
            "UPDATE installation_figures SET body = '[' WHERE instance_id = X'{}'",
            one.simple()
        ))
        .await;
    assert_eq!(read(&world, installation).await, sum(&[2]));
    add(&world, installation, flush(one, 2, LATER), 5).await;
    assert_eq!(read(&world, installation).await, sum(&[2, 5]));
}

pub(crate) async fn another_store_sees_no_figures(world: World) {
    let installation = id();
    add(&world, installation, flush(instance(), 1, LATER), 1).await;
    let theirs = world.db.sum_figures(world.other, installation).await.unwrap();
    assert_eq!(theirs, Figures::default());
}
