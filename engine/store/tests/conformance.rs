//! One behaviour suite, run on every database the engine can have: what holds on one holds on all.
//!
//! SQLite always runs, in a temporary folder. MySQL or MariaDB runs when `TEST_MYSQL_URL` names a
//! server, such as `mysql://user:password@127.0.0.1:3306`; the suite makes databases of its own
//! there and drops them when it ends. `MARTLET_TEST_REQUIRE=mysql` makes its absence a failure.

#![expect(clippy::unwrap_used, reason = "a test that can't go on says where by panicking")]

#[path = "conformance/harness.rs"]
mod harness;
#[path = "conformance/samples.rs"]
mod samples;

/// Declares the modules of behaviours, and a test for each behaviour on each database.
macro_rules! suite {
    ($($path:literal $module:ident: $($behaviour:ident)+;)+) => {
        $(#[path = $path] mod $module;)+

        mod sqlite {
            $(mod $module {
                $(#[test] fn $behaviour() { crate::harness::on_sqlite(crate::$module::$behaviour); })+
            })+
        }

        mod mysql {
            $(mod $module {
                $(#[test] fn $behaviour() { crate::harness::on_mysql(crate::$module::$behaviour); })+
            })+
        }
    };
}

suite! {
    "conformance/stores.rs" stores:
        a_store_is_found_by_id_handle_and_host
        a_taken_handle_is_a_conflict
        a_taken_host_is_a_conflict_and_nothing_of_the_store_stays
        stores_are_listed_by_handle_with_their_hosts
        settings_are_absent_until_they_are_put
        settings_round_trip_and_count_their_changes
        stale_settings_are_refused
        of_two_first_settings_one_wins
        settings_of_an_unknown_store_are_refused;
    "conformance/categories.rs" categories:
        a_category_round_trips
        categories_are_listed_by_position_then_handle
        a_taken_category_handle_is_a_conflict_in_its_store_alone
        a_parent_of_another_store_is_refused
        another_store_sees_no_category;
    "conformance/products.rs" products:
        a_product_round_trips_at_its_extremes
        a_product_is_found_by_its_handle
        an_update_replaces_everything_but_id_and_birth
        a_stale_product_is_refused_and_unchanged
        a_missing_product_is_not_updated
        a_taken_product_handle_is_a_conflict
        a_category_of_another_store_is_refused_and_nothing_stays
        a_title_that_is_too_long_is_out_of_bounds
        another_store_sees_no_product
        of_parallel_updates_of_one_version_one_wins;
    "conformance/listing.rs" listing:
        pages_are_complete_without_duplicates_in_every_order
        newest_come_first
        titles_are_sorted_in_any_case
        prices_are_sorted_both_ways_and_skip_what_has_none
        unpublished_products_are_left_out_on_request
        every_word_is_searched_in_title_handle_and_tags
        signs_of_patterns_are_searched_literally
        a_category_includes_those_below_it
        an_unknown_category_has_no_products
        price_bounds_are_inclusive_and_of_one_currency
        the_lowest_price_follows_every_change
        a_product_is_available_while_any_variant_is
        a_cursor_of_another_order_is_refused
        a_cursor_round_trips_through_json
        another_store_lists_no_product
        popular_products_are_ordered_by_lines_added_since;
    "conformance/variants.rs" variants:
        a_variant_round_trips_at_its_extremes
        a_variant_is_found_by_its_sku
        variants_are_listed_by_position
        an_update_replaces_prices_but_not_stock
        a_stale_variant_is_refused_and_unchanged
        a_taken_sku_is_a_conflict_in_its_store_alone
        a_variant_of_an_unknown_product_is_refused
        prices_are_replaced_under_the_expected_version
        a_price_below_its_floor_is_out_of_bounds
        offers_carry_products_and_all_categories_above
        offers_are_found_by_sku
        another_store_sees_no_variant
        parallel_price_changes_leave_the_lowest_price_right;
    "conformance/stock.rs" stock:
        counted_stock_is_what_was_counted
        stock_never_falls_below_what_is_promised
        stock_never_overflows
        stock_of_a_missing_variant_is_missing
        another_store_changes_no_stock
        thirty_two_tasks_adjust_one_row_without_loss
        more_takers_than_units_never_oversell;
    "conformance/customers.rs" customers:
        a_customer_round_trips_at_its_extremes
        a_taken_address_is_a_conflict_in_its_store_alone
        another_store_sees_no_customer;
    "conformance/carts.rs" carts:
        an_empty_cart_round_trips
        a_full_cart_round_trips_in_order
        a_saved_cart_replaces_lines_and_coupons
        a_stale_cart_is_refused_and_unchanged
        a_missing_cart_is_not_saved
        a_variant_stands_on_one_line_only
        a_variant_of_another_store_is_refused
        of_sixteen_parallel_saves_one_wins
        a_reader_never_sees_half_a_cart
        five_hundred_lines_round_trip
        another_store_sees_no_cart;
    "conformance/coupons.rs" coupons:
        a_coupon_round_trips_at_its_extremes
        a_coupon_is_found_by_its_code
        an_updated_coupon_is_replaced
        a_stale_coupon_is_refused_and_unchanged
        a_taken_code_is_a_conflict_in_its_store_alone
        a_coupon_of_an_unknown_installation_is_refused
        pages_of_coupons_are_complete_without_duplicates
        coupons_come_in_the_order_asked_for
        uses_are_counted_in_all_and_by_customer
        parallel_uses_are_all_counted
        transactions_in_opposite_orders_all_succeed
        a_use_that_is_rolled_back_is_not_counted
        another_store_sees_no_coupon;
    "conformance/plugins.rs" plugins:
        a_plugin_is_found_by_id_and_name
        plugins_are_listed_by_name
        a_taken_plugin_name_is_a_conflict_in_its_store_alone
        a_version_round_trips_with_its_component
        a_component_larger_than_a_packet_round_trips
        a_component_is_shared_but_its_version_is_not
        a_component_stored_twice_is_a_conflict
        a_component_of_another_digest_is_refused
        versions_are_listed_newest_first
        installations_are_numbered_and_listed_in_sequence
        parallel_installations_get_numbers_without_gaps
        an_updated_installation_keeps_its_number
        an_installation_of_an_unknown_component_is_refused
        another_store_sees_no_plugin;
    "conformance/rulebooks.rs" rulebooks:
        no_rulebook_is_active_at_first
        a_published_rulebook_is_active_and_found_by_number
        an_older_rulebook_stays_as_it_was
        sixteen_parallel_publishers_get_numbers_without_gaps
        rulebooks_are_listed_from_the_highest
        another_store_sees_no_rulebook;
    "conformance/api_keys.rs" api_keys:
        a_key_is_found_by_the_digest_of_its_secret
        a_revoked_key_is_found_no_more
        a_secret_stands_for_one_key
        another_store_sees_no_key;
    "conformance/corrupt.rs" corrupt:
        a_corrupt_store_is_named
        corrupt_settings_are_named
        a_corrupt_category_is_named
        a_corrupt_product_is_named
        a_corrupt_variant_or_price_is_named
        a_corrupt_customer_is_named
        a_corrupt_cart_is_named_without_its_id
        a_corrupt_coupon_is_named
        a_corrupt_plugin_is_named
        a_corrupt_component_is_named
        a_corrupt_rulebook_is_named;
    "conformance/database.rs" database:
        an_open_database_answers
        migrations_are_pending_until_they_ran
        migrating_again_changes_nothing
        two_engines_may_migrate_at_once
        a_busy_pool_times_out_by_name
        an_abandoned_transaction_leaves_nothing
        a_failed_transaction_leaves_nothing;
}

#[test]
fn a_url_of_another_kind_is_refused() {
    harness::block_on(async {
        for url in ["", "postgres://localhost/x", "sqlite:", "sqlite::memory:", "mysql://root@localhost"] {
            let error = martlet_store::Db::open(url, &Default::default()).await.unwrap_err();
            assert!(matches!(error, martlet_store::StoreError::Unusable(_)), "{url}: {error}");
        }
    });
}

#[test]
fn a_password_never_stands_in_an_error() {
    harness::block_on(async {
        let url = "mysql://someone:verysecret@127.0.0.1:1:1/x";
        let error = martlet_store::Db::open(url, &Default::default()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("verysecret"));
    });
}
