//! One behaviour suite, run on every database the engine can have: what holds on one holds on all.
//!
//! SQLite always runs, in a temporary folder. MySQL or MariaDB runs when `TEST_MYSQL_URL` names a
//! server, such as `mysql://user:password@127.0.0.1:3306`; the suite makes databases of its own
//! there and drops them when it ends. `MARTLET_TEST_REQUIRE=mysql` makes its absence a failure.

#![expect(clippy::unwrap_used, reason = "a test that can't go on says where by panicking")]

#[path = "conformance/harness.rs"]
mod harness;
#[path = "conformance/ledger.rs"]
mod ledger;
#[path = "conformance/ordering.rs"]
mod ordering;
#[path = "conformance/samples.rs"]
mod samples;
#[path = "conformance/users.rs"]
mod users;

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
    "conformance/credentials.rs" credentials:
        a_registered_customer_is_found_with_the_hash
        a_customer_made_by_the_shop_has_no_password_until_one_is_set
        a_taken_address_registers_nobody
        a_hash_that_is_too_long_registers_nobody
        of_twenty_who_register_an_address_one_does
        of_many_first_passwords_one_stays
        another_store_sees_no_credentials;
    "conformance/sessions.rs" sessions:
        a_session_round_trips_at_its_extremes
        sessions_are_listed_by_customer_from_the_last
        a_session_without_its_customer_or_its_own_token_is_refused
        a_session_is_revoked_once
        all_sessions_of_a_customer_are_revoked_and_no_others
        tokens_are_rotated_one_after_another
        a_token_that_is_used_again_ends_its_session
        what_has_ended_is_not_rotated_and_not_used_up
        a_token_that_is_there_already_replaces_none
        a_session_keeps_its_last_fifty_used_tokens
        of_twenty_rotations_of_a_token_one_succeeds
        sessions_begin_rotate_and_end_at_once
        ended_sessions_are_deleted_with_their_tokens_in_batches
        a_session_with_a_thousand_tokens_is_deleted
        another_store_sees_no_session;
    "conformance/addresses.rs" addresses:
        an_address_round_trips_at_its_extremes
        the_first_address_is_the_default_whatever_it_says
        a_new_default_takes_it_from_the_other
        the_default_stays_the_default_when_it_is_changed
        a_stale_address_is_refused_and_unchanged
        a_deleted_default_leaves_it_to_the_oldest
        an_address_of_nobody_or_with_a_taken_id_is_refused
        of_thirty_addresses_at_once_twenty_are_kept_and_one_is_the_default
        several_who_make_and_delete_defaults_leave_one
        a_corrupt_address_is_named_without_what_it_says
        another_store_sees_no_address;
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
        a_customers_open_cart_is_the_last_that_is_no_order
        two_carts_are_saved_together_or_not_at_all
        of_sixteen_who_move_a_line_at_once_one_does
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
    "conformance/coupon_claims.rs" coupon_claims:
        units_are_set_raised_and_lowered_but_never_below_what_is_claimed
        units_of_nothing_and_fewer_than_none_are_refused
        stocks_are_read_for_several_coupons
        a_customer_claims_a_coupon_once
        what_is_not_for_claiming_is_not_claimed
        a_customer_who_is_not_there_takes_no_unit
        claims_are_listed_from_the_latest
        of_two_hundred_customers_fifty_get_the_fifty_units
        a_customer_who_claims_ten_times_at_once_gets_one
        impatient_customers_leave_no_unit_unclaimed
        units_are_raised_and_lowered_while_they_are_claimed
        of_several_first_stocks_all_are_set
        another_store_sees_no_claim;
    "conformance/figures.rs" figures:
        figures_add_up_over_flushes_and_instances
        figures_round_trip_at_their_extremes
        a_flush_that_is_made_again_changes_nothing
        a_hundred_installations_are_added_to_at_once
        old_rows_are_folded_and_their_sum_stays
        figures_are_folded_and_added_to_at_once_without_loss
        a_row_that_cannot_be_read_leaves_the_others
        another_store_sees_no_figures;
    "conformance/installation_logs.rs" installation_logs:
        lines_round_trip_at_their_extremes
        lines_that_are_said_again_are_there_once
        lines_are_listed_from_the_newest_page_by_page
        lines_below_a_level_are_left_out
        only_the_newest_lines_are_kept
        instances_log_at_once_and_the_newest_lines_stay
        a_line_that_cannot_be_read_leaves_the_others
        another_store_sees_no_lines;
    "conformance/budget_usage.rs" budget_usage:
        what_was_granted_is_read_by_installation
        an_installation_without_a_row_has_granted_nothing
        another_store_sees_no_grants;
    "conformance/uploads.rs" uploads:
        an_upload_is_stored_with_its_report_and_known_the_next_time
        a_version_that_came_otherwise_gets_its_report
        another_world_and_a_taken_version_change_nothing
        plugins_come_in_pages_with_their_newest_version
        uploads_of_one_name_at_once_make_one_plugin;
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
        an_installation_of_an_unknown_component_is_refused
        another_store_sees_no_plugin;
    "conformance/rulebooks.rs" rulebooks:
        no_rulebook_is_active_at_first
        a_published_rulebook_is_active_and_found_by_number
        an_older_rulebook_stays_as_it_was
        a_rulebook_of_an_unknown_component_is_refused
        a_component_may_run_twice_in_a_rulebook
        components_of_all_rulebooks_of_all_stores_are_listed
        sixteen_parallel_publishers_get_numbers_without_gaps
        rulebooks_are_listed_from_the_highest
        a_change_is_stored_with_its_installations_and_active_at_once
        a_change_of_another_rulebook_than_the_active_one_is_stale
        a_change_that_can_not_be_stored_leaves_everything_as_it_was
        of_parallel_changes_of_one_rulebook_one_is_made
        another_store_sees_no_rulebook;
    "conformance/api_keys.rs" api_keys:
        a_key_is_found_by_the_digest_of_its_secret
        what_a_key_may_do_round_trips
        a_key_older_than_roles_is_an_owners
        a_scope_that_is_not_known_yet_allows_nothing
        a_corrupt_key_is_named
        a_revoked_key_is_found_no_more
        the_last_owners_key_stays
        of_owners_who_revoke_each_other_one_stays
        a_secret_stands_for_one_key
        another_store_sees_no_key;
    "conformance/audit.rs" audit:
        an_entry_round_trips_at_its_extremes
        an_outcome_is_set_once
        what_is_too_long_is_cut_or_left_out
        entries_are_listed_newest_first_page_by_page
        a_list_is_narrowed_by_action_actor_and_time
        an_entry_stands_or_falls_with_its_transaction
        an_entry_of_an_unknown_store_is_refused
        a_corrupt_entry_is_named
        another_store_sees_no_entry;
    "conformance/idempotency.rs" idempotency:
        a_key_is_free_then_in_flight_then_answered
        an_empty_answer_round_trips
        another_request_under_a_taken_key_is_told_so
        only_who_has_a_key_answers_or_frees_it
        an_answered_key_is_never_freed
        an_expired_key_is_free_and_replaced
        of_parallel_claims_one_gets_the_key
        an_abandoned_claim_is_taken_over_once
        many_keys_are_claimed_at_once_or_none
        keys_are_found_and_answered_within_a_transaction
        expired_keys_are_deleted_in_batches
        a_corrupt_answer_is_named
        a_request_id_that_is_too_long_is_out_of_bounds;
    "conformance/test_payments.rs" test_payments:
        entries_are_listed_oldest_first_as_they_were_written
        a_key_is_written_once_and_then_given_back
        of_twenty_parallel_entries_of_one_key_one_is_written
        a_balance_counts_what_was_moved
        who_holds_an_entry_lets_others_wait
        an_entry_that_is_too_long_or_homeless_is_refused
        a_corrupt_entry_is_named
        another_store_sees_no_entry;
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
    "conformance/seals.rs" seals:
        a_flipped_byte_of_a_component_is_named
        a_change_to_a_rulebook_names_the_plugin
        a_change_beside_the_installations_is_told_apart
        a_rulebook_sealed_for_another_is_refused
        a_change_to_an_installation_names_the_plugin
        a_change_to_a_coupon_names_its_code
        rows_older_than_seals_are_read_as_they_stand
        a_broken_seal_is_named;
    "conformance/kept.rs" kept:
        a_component_that_a_rulebook_runs_cannot_be_deleted
        a_rulebook_that_is_active_or_runs_components_cannot_be_deleted;
    "conformance/receipts.rs" receipts:
        a_receipt_round_trips_and_reads_back
        receipts_are_listed_by_order_and_since_a_moment
        a_changed_receipt_is_named_and_hides_no_other
        every_flipped_byte_of_a_receipt_is_found
        a_receipt_that_is_gone_is_missed
        an_order_keeps_its_rulebook_and_its_receipt_keeps_the_order;
    "conformance/simulations.rs" simulations:
        a_simulation_goes_from_the_queue_to_its_end
        two_run_and_the_first_of_those_who_wait_comes_next
        a_full_queue_takes_no_more_simulations
        who_is_silent_for_too_long_is_gone_for_good
        another_process_moves_nothing
        simulated_orders_are_listed_by_outcome_page_by_page
        the_oldest_simulations_that_have_ended_are_pruned
        the_last_receipts_of_a_window_come_first;
    "conformance/orders.rs" orders:
        an_order_round_trips_at_its_extremes
        progress_round_trips_at_its_extremes
        a_large_order_round_trips
        orders_are_listed_from_the_last_by_status_and_customer
        a_cart_lists_the_orders_it_became_from_the_last
        unsettled_orders_of_all_stores_come_by_their_end
        a_corrupt_order_is_named
        a_corrupt_order_hides_no_other_that_is_unsettled
        another_store_sees_no_order;
    "conformance/orders/placed.rs" orders_placed:
        an_order_holds_all_it_needs
        a_cart_that_was_changed_is_refused
        a_cart_is_ordered_once
        a_cart_that_isnt_there_is_refused
        the_same_cart_twice_in_a_group_is_ordered_once
        a_refused_try_leaves_the_cart_to_the_next
        an_order_that_wants_too_much_is_short_by_name
        a_variant_of_another_store_is_out_of_stock
        in_a_group_whoever_comes_first_is_served_first
        no_work_is_done_at_once
        an_order_under_an_unknown_rulebook_is_refused
        a_group_may_be_of_two_stores
        a_group_of_large_carts_is_stored
        units_of_one_variant_on_two_lines_are_reserved_together;
    "conformance/orders/limited.rs" orders_limited:
        a_key_is_taken_by_the_first_order_under_it
        a_request_that_comes_twice_in_a_group_is_told_so
        a_refused_try_leaves_the_key_to_the_next
        a_coupons_limit_holds_in_a_group_and_across
        a_customers_limit_holds_in_a_group_and_across
        a_budget_holds_in_a_group_and_across
        a_budget_without_a_row_begins_at_nothing
        budgets_a_day_and_a_customer_hold_in_a_group_and_across
        a_taken_number_is_a_conflict_and_nothing_of_its_group_stays
        a_number_is_taken_in_its_store_alone;
    "conformance/orders/advanced.rs" orders_advanced:
        a_step_is_stored_and_counts
        of_two_steps_of_one_version_in_a_group_the_first_is_taken
        what_is_shipped_leaves_shelf_and_reservation
        what_came_to_nothing_is_free_again_and_so_is_its_cart
        a_cart_that_became_another_order_isnt_reopened
        a_paid_order_that_is_cancelled_keeps_its_cart
        what_comes_back_is_released_or_put_on_the_shelf
        what_is_given_back_others_of_the_group_may_have
        many_orders_step_in_one_group
        more_than_was_reserved_never_moves
        another_store_steps_no_order;
    "conformance/orders/answered.rs" orders_answered:
        a_stale_step_moves_nothing
        a_customers_facts_learn_of_a_step
        requests_are_answered_with_the_step
        a_step_under_a_taken_key_is_a_conflict_and_isnt_taken;
    "conformance/orders/contended.rs" orders_contended:
        fifty_shoppers_get_twenty_units
        carts_of_five_variants_in_any_order_all_succeed
        forty_shoppers_use_a_coupon_ten_times
        three_customers_use_a_coupon_three_times_each
        forty_shoppers_share_a_budget
        of_twenty_checkouts_of_a_cart_one_is_placed
        of_twenty_orders_under_a_key_one_is_placed
        of_twenty_steps_of_a_version_one_is_taken;
    "conformance/orders/engines.rs" orders_engines:
        groups_of_several_engines_all_succeed
        orders_that_come_and_go_leak_nothing
        counting_stock_and_selling_it_get_along
        facts_of_customers_are_told_in_any_order;
    "conformance/outbox.rs" outbox:
        an_orders_events_come_one_after_another
        a_delivery_may_leave_another_event
        an_event_that_isnt_delivered_comes_back
        a_stale_step_leaves_no_event_and_delivers_none
        what_came_of_an_event_is_stored_once
        of_ten_who_deliver_an_event_one_stores_it
        those_due_first_come_first
        of_several_takers_one_gets_an_event
        a_corrupt_event_hides_no_other;
    "conformance/change_log.rs" change_log:
        every_change_of_what_shoppers_see_is_written_down
        what_is_refused_is_not_written_down
        stock_is_written_down_when_there_begins_or_ceases_to_be_some
        promised_units_do_not_count_as_there
        orders_are_written_down_when_they_take_the_last_unit_or_bring_the_first
        what_a_group_takes_and_brings_is_summed_up
        flips_are_written_down_however_many_order_at_once
        moments_are_by_the_databases_clock
        changes_are_listed_since_a_moment_from_the_earliest
        a_change_that_cannot_be_read_hides_no_other
        old_changes_are_deleted_in_batches_and_their_ids_never_come_back
        of_many_writers_each_is_written_down;
    "conformance/replica.rs" replica:
        without_a_replica_nothing_lags
        lagging_reads_are_the_replicas_and_all_else_is_the_primarys
        a_replica_that_is_gone_is_read_around
        a_replica_that_hangs_is_read_around
        a_replica_is_one_of_mysql;
    "conformance/passwords.rs" passwords:
        a_password_that_was_changed_is_read_again
        connections_that_are_open_stay
        a_password_that_cannot_be_read_again_changes_nothing
        a_replicas_password_is_read_again
        migrations_have_the_password_of_the_file
        a_file_without_the_right_password_is_named;
    "conformance/database_users.rs" database_users:
        a_user_changes_rows_and_nothing_else
        a_user_that_has_the_password_is_let_in_again
        a_new_password_leaves_the_former_where_the_server_can
        who_makes_users_stays_as_it_is
        a_name_or_password_that_is_not_plain_changes_nothing;
    "conformance/database.rs" database:
        an_open_database_answers
        migrations_are_pending_until_they_ran
        migrating_again_changes_nothing
        what_a_later_release_has_migrated_is_no_trouble
        two_engines_may_migrate_at_once
        a_busy_pool_times_out_by_name
        an_abandoned_transaction_leaves_nothing
        statements_stay_prepared_whatever_their_lists
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
