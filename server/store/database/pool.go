package database

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Pool opens a pool of pgx's own on a Postgres database, beside Write and Read and with the same
// settings, for those who LISTEN. Its connections are made as they are needed. The caller closes it.
func (db *Database) Pool(ctx context.Context, size int32) (*pgxpool.Pool, error) {
	if db.postgres == nil {
		return nil, fmt.Errorf("%s is no Postgres database", db)
	}
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	config.ConnConfig = db.postgres.Copy()
	config.MaxConns = size
	config.AfterConnect = types
	db.login.guard(config)
	return pgxpool.NewWithConfig(ctx, config)
}
