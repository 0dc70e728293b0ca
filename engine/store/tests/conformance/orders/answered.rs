//! Who hears of an order's step: the requests that asked for it, the customer's facts, or nobody.

use martlet_domain::order::Effects;
use martlet_store::{Answering, Claim, ClaimState, Committed, FactsChange, StoreError, StoredAnswer, Unique};

use crate::{
    harness::World,
    ledger::assert_balanced,
    ordering::*,
    orders_advanced::{Held, held, stored},
};

fn answer(body: &str) -> StoredAnswer {
    StoredAnswer { status: 201, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

pub(crate) async fn a_stale_step_moves_nothing(world: World) {
    let Held { mut order, variant, .. } = held(&world, 9).await;
    let mut late = order.clone();
    let effects = order.pay(None, LATER).unwrap();
    advanced(&world, &mut order, effects).await;
    let effects = late.expire(LATER).unwrap();
    let (waiting, new) = (claim(), claim());
    assert_eq!(world.db.claim(&waiting).await.unwrap(), ClaimState::Free);
    let customer = order.terms.customer.unwrap();
    let mut stale = advance(world.store, &late, effects);
    stale.answers = vec![
        Answering::Claimed { claim: waiting.id, answer: answer("late") },
        Answering::New { claim: new.clone(), answer: answer("late") },
    ];
    stale.facts = Some(FactsChange { customer, orders: 1, spend: 1 });
    for strange in [false, true] {
        if strange {
            stale.store = world.other;
            stale.order.version = order.version;
        }
        assert_eq!(commit(&world, [step(stale.clone())]).await, [Committed::Stale]);
        assert_eq!(stored(&world, &order).await, order);
        assert_eq!(stock(&world, variant).await, (9, 3));
        let state = world.db.find_claim(waiting.id, waiting.request, PLACED).await.unwrap();
        assert_eq!(state, ClaimState::InFlight { since: PLACED });
        assert_eq!(world.db.find_claim(new.id, new.request, PLACED).await.unwrap(), ClaimState::Free);
        let facts = world.db.find_customer(world.store, customer).await.unwrap().unwrap().facts;
        assert_eq!((facts.order_count, facts.lifetime_spend), (0, 0));
        assert_balanced(&world).await;
    }
}

pub(crate) async fn a_customers_facts_learn_of_a_step(world: World) {
    let Held { mut order, .. } = held(&world, 9).await;
    let customer = order.terms.customer.unwrap();
    for (orders, spend, expected) in [(1, 3_000, (1, 3_000)), (0, -500, (1, 2_500)), (-1, -2_500, (0, 0))] {
        let mut told = advance(world.store, &order, Effects::default());
        told.facts = Some(FactsChange { customer, orders, spend });
        assert_eq!(commit(&world, [step(told)]).await, [Committed::Done]);
        order.version += 1;
        let facts = world.db.find_customer(world.store, customer).await.unwrap().unwrap().facts;
        assert_eq!((facts.order_count, facts.lifetime_spend), expected);
    }
    assert_balanced(&world).await;
}

async fn state(world: &World, claim: &Claim) -> ClaimState {
    world.db.find_claim(claim.id, claim.request, PLACED).await.unwrap()
}

pub(crate) async fn requests_are_answered_with_the_step(world: World) {
    let variant = stocked(&world, 9).await;
    let (waiting, freed, new) = (claim(), claim(), claim());
    let cart = cart(&world, &[(variant, 1)]).await;
    let mut order = placed(&world, placement(world.store, &cart).under(&waiting)).await;
    assert_eq!(world.db.claim(&freed).await.unwrap(), ClaimState::Free);
    let effects = order.pay(None, LATER).unwrap();
    let mut answering = advance(world.store, &order, effects);
    answering.answers = vec![
        Answering::Claimed { claim: waiting.id, answer: answer("placed") },
        Answering::Released(freed.id),
        Answering::New { claim: new.clone(), answer: answer("paid") },
    ];
    assert_eq!(commit(&world, [step(answering)]).await, [Committed::Done]);
    assert_eq!(state(&world, &waiting).await, ClaimState::Answered(answer("placed")));
    assert_eq!(state(&world, &freed).await, ClaimState::Free);
    assert_eq!(state(&world, &new).await, ClaimState::Answered(answer("paid")));
    // An answer once given stays.
    order.version += 1;
    let mut late = advance(world.store, &order, Effects::default());
    late.answers = vec![
        Answering::Claimed { claim: waiting.id, answer: answer("late") },
        Answering::Released(new.id),
        Answering::Claimed { claim: claim().id, answer: answer("nobody asked") },
    ];
    assert_eq!(commit(&world, [step(late)]).await, [Committed::Done]);
    assert_eq!(state(&world, &waiting).await, ClaimState::Answered(answer("placed")));
    assert_eq!(state(&world, &new).await, ClaimState::Answered(answer("paid")));
    assert_balanced(&world).await;
}

pub(crate) async fn a_step_under_a_taken_key_is_a_conflict_and_isnt_taken(world: World) {
    let Held { order, variant, .. } = held(&world, 9).await;
    let taken = claim();
    assert_eq!(world.db.claim(&taken).await.unwrap(), ClaimState::Free);
    let mut expired = order.clone();
    let effects = expired.expire(LATER).unwrap();
    let mut refused = advance(world.store, &expired, effects);
    refused.answers = vec![Answering::New { claim: taken.clone(), answer: answer("again") }];
    let error = world.db.commit(&[step(refused)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(Unique::IdempotencyKey)), "{error}");
    assert_eq!((stored(&world, &order).await, stock(&world, variant).await), (order, (9, 3)));
    assert_eq!(state(&world, &taken).await, ClaimState::InFlight { since: PLACED });
    assert_balanced(&world).await;
}
