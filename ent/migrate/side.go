package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	entmigrate "github.com/orderprocessing/orderprocessing/ent/db/migrate"
)

// side is one dialect's migrations.
type side struct {
	dialect string
	path    string
	dir     *migrate.LocalDir
	version string // of what is written now, the same on both sides
	dev     func(ctx context.Context) (*scratch, error)
}

// eachDialect does it for SQLite, then for Postgres; the problems of both are told.
func eachDialect(ctx context.Context, folder string, do func(*side, context.Context) error) error {
	version := time.Now().UTC().Format("20060102150405")
	var all error
	for _, s := range []*side{
		{dialect: dialect.SQLite, path: filepath.Join(folder, "sqlite"), dev: sqliteScratch},
		{dialect: dialect.Postgres, path: filepath.Join(folder, "postgres"), dev: postgresScratch},
	} {
		dir, err := migrate.NewLocalDir(s.path)
		if err != nil {
			return err
		}
		s.dir, s.version = dir, version
		if err := do(s, ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", s.path, err))
		}
	}
	return all
}

// add writes what the schema needs beyond the migrations, if anything.
func (s *side) add(ctx context.Context, name string) error {
	before, err := s.dir.Files()
	if err != nil {
		return err
	}
	if err := s.diff(ctx, s.dir, name); err != nil {
		return err
	}
	after, err := s.dir.Files()
	if err != nil {
		return err
	}
	for _, file := range after[len(before):] {
		fmt.Println("wrote", filepath.Join(s.path, file.Name()))
	}
	return s.lint()
}

// rewrite replaces all migrations by one that makes everything. Its version stays, if there is one.
func (s *side) rewrite(ctx context.Context) error {
	files, err := s.dir.Files()
	if err != nil {
		return err
	}
	for i, file := range files {
		if i == 0 {
			s.version = file.Version()
		}
		if err := os.Remove(filepath.Join(s.path, file.Name())); err != nil {
			return err
		}
	}
	if err := s.hash(ctx); err != nil {
		return err
	}
	return s.add(ctx, "initial")
}

// hash sums up the files as they are.
func (s *side) hash(context.Context) error {
	sum, err := s.dir.Checksum()
	if err != nil {
		return err
	}
	return migrate.WriteSumFile(s.dir, sum)
}

// check fails if the migrations were edited, don't make what the schema says, or are unsafe.
func (s *side) check(ctx context.Context) error {
	if err := migrate.Validate(s.dir); err != nil {
		return fmt.Errorf("atlas.sum does not fit the files (%w): a released migration must not change; after an edit of a new one, run go run ./ent/migrate hash", err)
	}
	trial := &migrate.MemDir{}
	files, err := s.dir.Files()
	if err != nil {
		return err
	}
	if err := trial.CopyFiles(files); err != nil {
		return err
	}
	if err := s.diff(ctx, trial, "missing"); err != nil {
		return err
	}
	after, err := trial.Files()
	if err != nil {
		return err
	}
	if len(after) > len(files) {
		return fmt.Errorf("ent/schema needs what no migration makes; run make migrate-new name=…:\n%s", after[len(after)-1].Bytes())
	}
	return s.lint()
}

// diff replays a directory in an empty database and adds what the schema needs beyond it.
func (s *side) diff(ctx context.Context, dir migrate.Dir, name string) error {
	dev, err := s.dev(ctx)
	if err != nil {
		return err
	}
	defer dev.close()
	differ, err := schema.NewMigrate(dev.driver, schema.WithDir(dir), schema.WithMigrationMode(schema.ModeReplay),
		schema.WithFormatter(versioned(s.version)), schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithIndent("  "))
	if err != nil {
		return err
	}
	return differ.NamedDiff(ctx, name, tables(s.dialect, entmigrate.Tables)...)
}

// versioned names files by a version of ours, so that both sides have the same.
type versioned string

// Format makes a plan's files.
func (v versioned) Format(plan *migrate.Plan) ([]migrate.File, error) {
	plan.Version = string(v)
	return migrate.DefaultFormatter.Format(plan)
}
