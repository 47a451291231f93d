package replica

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// identity tells copies of a database from all other databases.
type identity struct {
	system   uint64 // of the cluster, since initdb; its standbys have the same
	database uint32 // within it
	timeline uint32 // counts the promotions
}

// askPrimary tells which database this is and how far its log is on the disk, in bytes. It fails on a
// standby.
func askPrimary(ctx context.Context, d *database.Database) (is identity, log uint64, err error) {
	var system int64
	err = d.Read.QueryRowContext(ctx, `
		SELECT (SELECT system_identifier FROM pg_control_system()),
			(SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
			('x' || left(pg_walfile_name(at), 8))::bit(32)::int,
			(at - '0/0')::bigint
		FROM pg_current_wal_flush_lsn() AS at`).Scan(&system, &is.database, &is.timeline, &log)
	is.system = uint64(system) //nolint:gosec // an id
	return is, log, err
}

// askStandby tells the same of a standby, with how much of the log it has replayed. The timeline may
// be an older one than it has reached, never a later one.
func askStandby(ctx context.Context, d *database.Database) (is identity, standby bool, replayed uint64, err error) {
	var system int64
	err = d.Read.QueryRowContext(ctx, `
		SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),
			(SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
			greatest((SELECT timeline_id FROM pg_control_checkpoint()),
				(SELECT min_recovery_end_timeline FROM pg_control_recovery()),
				(SELECT received_tli FROM pg_stat_wal_receiver)),
			coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint`).
		Scan(&standby, &system, &is.database, &is.timeline, &replayed)
	is.system = uint64(system) //nolint:gosec // an id
	return is, standby, replayed, err
}
