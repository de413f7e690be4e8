#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn description(value: Value) -> Description {
    serde_json::from_value(value).unwrap()
}

fn fit(has: &Description, wanted: &Description) -> bool {
    Facts::new(has).fit(&Wanted::new(wanted), &mut usize::MAX.clone())
}

#[test]
fn every_field_of_an_example_has_to_be_there() {
    let has = description(json!({
        "capabilities": ["a", "b"], "performatives": ["request"], "protocols": ["p"],
        "ontologies": ["o"], "languages": ["l"],
        "services": [
            {"name": "one", "type": "t", "ownership": "w", "protocols": ["sp"], "ontologies": ["so"],
             "languages": ["sl"], "properties": {"x": {"deep": [1, 2.0], "b": null}}},
            {"name": "two"},
        ],
    }));
    for (example, fits) in [
        (json!({}), true),
        (json!({"capabilities": ["b", "a", "b"]}), true),
        (json!({"capabilities": ["c"]}), false),
        // A text is looked for in its own field.
        (json!({"protocols": ["sp"]}), false),
        (json!({"services": [{"protocols": ["p"]}]}), false),
        (json!({"services": [{}]}), true),
        (
            json!({"services": [{"name": "one", "type": "t", "ownership": "w", "languages": ["sl"]}]}),
            true,
        ),
        // All of it of one service.
        (json!({"services": [{"name": "two", "type": "t"}]}), false),
        (json!({"services": [{"name": "two"}, {"type": "t"}]}), true),
        (json!({"services": [{"properties": {"x": {"b": null, "deep": [1, 2.0]}}}]}), true),
        (json!({"services": [{"properties": {"x": {"b": null, "deep": [1, 2]}}}]}), false),
        (json!({"services": [{"properties": {"x": {"deep": [1, 2.0]}}}]}), false),
    ] {
        assert_eq!(fit(&has, &description(example.clone())), fits, "{example}");
    }
    assert!(!fit(&Description::default(), &description(json!({"services": [{}]}))));
}

#[test]
fn long_lists_do_not_multiply() {
    let texts = |from: usize| (from..from + 256).map(|it| it.to_string()).collect::<Vec<_>>();
    let lists = |from: usize| {
        let services: Vec<Value> = (0..256)
            .map(|it| json!({"name": it.to_string(), "languages": [format!("l{from}")]}))
            .collect();
        description(json!({"capabilities": texts(from), "protocols": texts(from),
            "services": services}))
    };
    let (has, wanted) = (Facts::new(&lists(0)), Wanted::new(&lists(0)));
    let mut steps = 1_000_000;
    assert!(has.fit(&wanted, &mut steps));
    // Each wanted fact once to find the rarest, and once for the service that has it.
    assert_eq!((wanted.len(), 1_000_000 - steps), (1_024, 1 + 512 + 2 * 512));
    let mut few = 100;
    assert!(!has.fit(&wanted, &mut few));
    assert_eq!(few, 0);
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ab]", 0..3)
}

fn services() -> impl Strategy<Value = Vec<Service>> {
    let service = (prop::option::of("[ab]"), prop::option::of("[ab]"), texts(), texts()).prop_map(
        |(name, kind, protocols, languages)| Service {
            name,
            kind,
            protocols,
            languages,
            ..Service::default()
        },
    );
    prop::collection::vec(service, 0..4)
}

fn descriptions() -> impl Strategy<Value = Description> {
    (texts(), services(), texts()).prop_map(|(capabilities, services, ontologies)| Description {
        capabilities,
        services,
        ontologies,
        ..Description::default()
    })
}

proptest! {
    /// The same as comparing each entry with each.
    #[test]
    fn facts_fit_where_descriptions_do(has in descriptions(), wanted in descriptions()) {
        let all = |has: &[String], wanted: &[String]| wanted.iter().all(|it| has.contains(it));
        let is = |has: &Option<String>, wanted: &Option<String>| wanted.is_none() || has == wanted;
        let offers = |wanted: &Service| has.services.iter().any(|it| {
            is(&it.name, &wanted.name)
                && is(&it.kind, &wanted.kind)
                && all(&it.protocols, &wanted.protocols)
                && all(&it.languages, &wanted.languages)
        });
        let expected = all(&has.capabilities, &wanted.capabilities)
            && all(&has.ontologies, &wanted.ontologies)
            && wanted.services.iter().all(offers);
        prop_assert_eq!(fit(&has, &wanted), expected);
    }
}
