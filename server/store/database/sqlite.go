package database

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Connections keep cache_size KiB of pages: few, as the system keeps the file's too, and those who read the fewest,
// as there are many of them.

// sqliteReaders is how many connections read a SQLite file unless the options say otherwise.
const sqliteReaders = 4

func openSQLite(u *url.URL, opts Options) (*Database, error) {
	path, err := sqlitePath(u)
	if err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
			"the database file %s cannot be opened or made", path).Because(err)
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, opts, url.Values{
		// FULL: an order that was acknowledged is still there after a power failure. In WAL mode
		// that is one sync a commit. secure_delete: what is deleted or overwritten is zeros in the pages that
		// are written anyway, so that what was erased is not read from the file.
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "secure_delete(FAST)", "cache_size(-4096)"},
		// A transaction that writes says so at once: none can fail half-way because another wrote.
		"_txlock": {"immediate"},
	}))
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	read, err := sql.Open("sqlite", sqliteDSN(path, opts, url.Values{"_query_only": {"on"}, "_pragma": {"cache_size(-1024)"}}))
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	write.SetMaxOpenConns(1) // SQLite has one writer; a queue in Go is fair and does not poll
	db := &Database{Write: write, Read: read, Turns: make(chan struct{}, 1), dialect: SQLite}
	db.Resize(opts.MaxConnections)
	return db, nil
}

// sqlitePath takes sqlite:relative.db and sqlite:///absolute.db.
func sqlitePath(u *url.URL) (string, error) {
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", invalidURL()
		}
	}
	if path == "" || path == ":memory:" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", invalidURL()
	}
	return filepath.Abs(path)
}

// makeFile makes the file, with its folder, for us alone: orders name people. SQLite gives the
// files beside it the same mode.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return file.Close()
}

// sqliteDSN has every setting in the name, so that every connection of the pool has it.
func sqliteDSN(path string, opts Options, params url.Values) string {
	params.Set("_busy_timeout", strconv.FormatInt(opts.LockTimeout.Milliseconds(), 10))
	params.Add("_pragma", "foreign_keys(1)")
	params.Set("_time_format", "sqlite") // sorts as text
	params.Set("_timezone", "UTC")
	params.Set("_error_rc", "true")
	file := url.URL{Path: path}
	return "file:" + file.EscapedPath() + "?" + params.Encode()
}
