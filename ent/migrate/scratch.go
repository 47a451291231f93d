package main

import (
	"context"
	"os"
	"path/filepath"

	entdialect "entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// scratch is an empty database to replay migrations in.
type scratch struct {
	driver entdialect.Driver
	close  func()
}

func sqliteScratch(ctx context.Context) (*scratch, error) {
	folder, err := os.MkdirTemp("", "orderprocessing-migrate-")
	if err != nil {
		return nil, err
	}
	return openScratch(ctx, "sqlite://"+filepath.Join(folder, "scratch.db"), func() { _ = os.RemoveAll(folder) })
}

func postgresScratch(ctx context.Context) (*scratch, error) {
	cluster, err := pgtest.Start(ctx, pgtest.Options{})
	if err != nil {
		return nil, err
	}
	stop := func() { _ = cluster.Close() }
	url, err := cluster.CreateDatabase(ctx, "scratch")
	if err != nil {
		stop()
		return nil, err
	}
	return openScratch(ctx, url, stop)
}

func openScratch(ctx context.Context, url string, stop func()) (*scratch, error) {
	db, err := database.Open(ctx, url, database.Options{})
	if err != nil {
		stop()
		return nil, err
	}
	return &scratch{
		driver: entsql.OpenDB(db.Dialect(), db.Write),
		close:  func() { _ = db.Close(); stop() },
	}, nil
}
