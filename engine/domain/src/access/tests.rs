use super::*;

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn scopes(texts: &[&str]) -> BTreeSet<Scope> {
    texts.iter().map(|text| scope(text)).collect()
}

/// What a role has, an area a line: `rw` where it has both.
fn table(role: Role) -> Vec<(&'static str, String)> {
    let letters = |area| {
        let has = |access, letter| role.has(Scope { area, access }).then_some(letter);
        [has(Access::Read, 'r'), has(Access::Write, 'w')].into_iter().flatten().collect()
    };
    Area::ALL.map(|area| (area.as_str(), letters(area))).into()
}

#[test]
fn each_role_has_what_the_table_says() {
    let expected = [
        ("catalog", ["rw", "rw", "r"]),
        ("coupons", ["rw", "rw", "r"]),
        ("orders", ["rw", "rw", ""]),
        ("customers", ["rw", "rw", ""]),
        ("plugins", ["rw", "r", "rw"]),
        ("installations", ["rw", "rw", "rw"]),
        ("rulebooks", ["rw", "rw", "r"]),
        ("simulations", ["rw", "rw", "rw"]),
        ("keys", ["rw", "", ""]),
        ("audit", ["rw", "", ""]),
    ];
    for (column, role) in Role::ALL.into_iter().enumerate() {
        let expected: Vec<_> =
            expected.iter().map(|(area, letters)| (*area, letters[column].to_owned())).collect();
        assert_eq!(table(role), expected, "{role}");
    }
}

#[test]
fn there_are_two_scopes_for_each_area() {
    let all: BTreeSet<Scope> = Scope::all().collect();
    assert_eq!(all.len(), Area::ALL.len() * 2);
    assert!(all.contains(&Scope::read(Area::Audit)) && all.contains(&Scope::write(Area::Catalog)));
}

#[test]
fn names_come_back_as_what_they_name() {
    for scope in Scope::all() {
        assert_eq!(scope.to_string().parse(), Ok(scope));
        assert_eq!(serde_json::to_string(&scope).unwrap(), format!("\"{scope}\""));
        assert_eq!(serde_json::from_str::<Scope>(&format!("\"{scope}\"")).unwrap(), scope);
    }
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
        assert_eq!(serde_json::from_str::<Role>(&serde_json::to_string(&role).unwrap()).unwrap(), role);
    }
}

#[test]
fn what_is_no_name_is_told_what_there_is() {
    for wrong in ["", "catalog", "catalog:", ":read", "catalog:delete", "Catalog:read", "catalog:read:x"] {
        let error = wrong.parse::<Scope>().unwrap_err().to_string();
        assert!(
            error.starts_with("scope is AREA:read or AREA:write, where AREA is one of catalog,"),
            "{error}"
        );
    }
    for wrong in ["", "Owner", "admin"] {
        let error = wrong.parse::<Role>().unwrap_err();
        assert_eq!(error.to_string(), "role is one of owner, staff, developer");
    }
}

#[test]
fn without_a_list_a_key_has_all_of_its_role() {
    for role in Role::ALL {
        let grant = Grant::of(role);
        assert!(Scope::all().all(|scope| grant.has(scope) == role.has(scope)));
        assert_eq!(grant.is_everything(), role == Role::Owner);
    }
    assert_eq!(Grant::default(), Grant::of(Role::Owner), "keys that are older than roles are owners");
}

#[test]
fn a_list_leaves_nothing_but_itself() {
    let list = scopes(&["catalog:read", "orders:write"]);
    let grant = Grant::narrowed(Role::Owner, list.clone()).unwrap();
    assert_eq!(grant.scopes().collect::<BTreeSet<_>>(), list);
    assert!(!grant.has(scope("orders:read")), "writing doesn't include reading");
    assert!(!grant.is_everything());
    let all = Grant::narrowed(Role::Owner, Scope::all().collect()).unwrap();
    assert!(!all.is_everything(), "what is added later isn't in a list");
}

#[test]
fn a_list_is_no_more_than_the_role_and_not_nothing() {
    let beyond = Grant::narrowed(Role::Staff, scopes(&["catalog:read", "keys:read"]));
    assert_eq!(beyond, Err(GrantError::Beyond { role: Role::Staff, scope: scope("keys:read") }));
    assert_eq!(Grant::narrowed(Role::Owner, BTreeSet::new()), Err(GrantError::Nothing));
}

#[test]
fn what_is_stored_beyond_the_role_counts_for_nothing() {
    let grant = Grant::stored(Role::Developer, Some(scopes(&["orders:read", "plugins:write"])));
    assert_eq!(grant.scopes().collect::<Vec<_>>(), [scope("plugins:write")]);
    assert_eq!(Grant::stored(Role::Owner, Some(BTreeSet::new())).scopes().count(), 0);
}

#[test]
fn nobody_gives_away_more_than_they_have() {
    let owner = Grant::of(Role::Owner);
    let narrow = Grant::narrowed(Role::Owner, scopes(&["keys:write", "catalog:read"])).unwrap();
    assert_eq!((owner.lacks(&narrow), owner.lacks(&owner)), (None, None));
    assert_eq!(narrow.lacks(&owner), Some(scope("catalog:write")));
    let all = Grant::narrowed(Role::Owner, Scope::all().collect()).unwrap();
    assert!(all.lacks(&owner).is_none() && all.is_outgrown_by(&owner), "it has all that there is today");
    assert!(!owner.is_outgrown_by(&owner) && !owner.is_outgrown_by(&all) && !all.is_outgrown_by(&narrow));
    let reader = Grant::narrowed(Role::Staff, scopes(&["catalog:read"])).unwrap();
    assert_eq!((narrow.lacks(&reader), reader.lacks(&narrow)), (None, Some(scope("keys:write"))));
}
