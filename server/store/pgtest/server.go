package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/orderprocessing/orderprocessing/ent/migrations"
)

// Server is a Postgres server that runs, ours or not.
type Server struct{ admin url.URL }

func serverAt(location string) (*Server, error) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, fmt.Errorf("%s is no URL like postgres://user:password@host:5432/postgres", Variable)
	}
	return &Server{admin: *u}, nil
}

// URL names one of the server's databases.
func (s *Server) URL(database string) string {
	u := s.admin
	u.Path = "/" + database
	return u.String()
}

// CreateDatabase makes a database without any table and gives its URL.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	return s.URL(name), s.clone(ctx, name, "template0")
}

// CreateMigrated makes a database with the tables that a shard has and gives its URL.
func (s *Server) CreateMigrated(ctx context.Context, name string) (string, error) {
	location, err := s.CreateDatabase(ctx, name)
	if err == nil {
		err = migrateAt(ctx, location)
	}
	return location, err
}

func (s *Server) clone(ctx context.Context, name, template string) error {
	return s.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" TEMPLATE "+pgx.Identifier{template}.Sanitize())
}

func (s *Server) drop(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

func (s *Server) exec(ctx context.Context, statement string) error {
	return s.connected(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

func (s *Server) connected(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return fmt.Errorf("the test Postgres does not answer: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return fn(conn)
}

// makeTemplate makes the migrated database for this set of migrations, unless the server has it.
// It gets its name when it is whole.
func (s *Server) makeTemplate(ctx context.Context) (string, error) {
	sum, err := fingerprint()
	if err != nil {
		return "", err
	}
	name, draft := "orderprocessing_template_"+sum, "orderprocessing_draft_"+random()
	if err := s.clone(ctx, draft, "template0"); err != nil {
		return "", err
	}
	if err := migrateAt(ctx, s.URL(draft)); err != nil {
		return "", errors.Join(err, s.drop(ctx, draft))
	}
	err = s.exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	var exists *pgconn.PgError
	if errors.As(err, &exists) && exists.Code == "42P04" { // another process was first
		err = s.drop(ctx, draft)
	}
	return name, err
}

// fingerprint names a set of migrations.
func fingerprint() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations.Files, "postgres", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		content, err := fs.ReadFile(migrations.Files, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:16], err
}

func random() string { return strings.ToLower(rand.Text()[:16]) }
