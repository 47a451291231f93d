package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"ariga.io/atlas/sql/migrate"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// file is one migration.
type file struct {
	name       string // 20060102150405_what_it_does.sql; files are applied in the order of their names
	checksum   string
	statements []string
	alone      bool // its statements run outside a transaction: -- atlas:txmode none
}

func readFiles(all fs.FS, dialect string) ([]file, error) {
	folder := map[string]string{database.SQLite: "sqlite", database.Postgres: "postgres"}[dialect]
	paths, err := fs.Glob(all, path.Join(folder, "*.sql")) // sorted
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	files := make([]file, 0, len(paths))
	for _, p := range paths {
		content, err := fs.ReadFile(all, p)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		statements, err := Statements(dialect, content)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", p, err)
		}
		sum := sha256.Sum256(content)
		f := file{name: path.Base(p), checksum: hex.EncodeToString(sum[:])}
		for _, s := range statements {
			f.statements = append(f.statements, s.Text)
		}
		f.alone = OutsideTransaction(path.Base(p), content)
		files = append(files, f)
	}
	return files, nil
}

// Statements cuts a migration file into its statements, with the comments that belong to each.
func Statements(dialect string, content []byte) ([]*migrate.Stmt, error) {
	scanner := migrate.Scanner{ScannerOptions: migrate.ScannerOptions{
		MatchBegin:       dialect == database.SQLite, // of a trigger's body
		MatchBeginAtomic: dialect == database.Postgres,
		MatchDollarQuote: dialect == database.Postgres,
	}}
	return scanner.Scan(string(content))
}

// OutsideTransaction tells whether the file asks, in its first lines, for its statements to run
// one by one, as CREATE INDEX CONCURRENTLY must.
func OutsideTransaction(name string, content []byte) bool {
	modes := migrate.NewLocalFile(name, content).Directive("txmode")
	return len(modes) > 0 && strings.TrimSpace(modes[0]) == "none"
}

func names(files []file) []string {
	list := make([]string, 0, len(files))
	for _, f := range files {
		list = append(list, f.name)
	}
	return list
}
