package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	servermigrate "github.com/orderprocessing/orderprocessing/server/store/migrate"
)

// rule is something that hurts while the previous release still serves.
type rule struct {
	dialect string // empty means both
	finds   *regexp.Regexp
	unless  *regexp.Regexp
	newTo   bool // harmless on a table that the same migration makes
	why     string
}

// rules are about statements in upper case with single spaces, strings left out.
var rules = []rule{
	{
		finds: regexp.MustCompile(`\bDROP (TABLE|COLUMN|INDEX|CONSTRAINT|VIEW|SCHEMA)\b`),
		why:   "the previous release still uses it: stop using it in one release, drop it in the next",
	},
	{
		finds: regexp.MustCompile(`\bRENAME\b`),
		why:   "the previous release knows the old name: add, copy and drop over three releases",
	},
	{
		finds: regexp.MustCompile(`^TRUNCATE\b|^DELETE FROM \S+$`),
		why:   "it deletes everything",
	},
	{
		finds:  regexp.MustCompile(`\bADD (COLUMN )?.*\bNOT NULL\b`),
		unless: regexp.MustCompile(`\bDEFAULT\b`),
		newTo:  true,
		why:    "rows that exist, and inserts of the previous release, have no value: give a DEFAULT",
	},
	{
		finds: regexp.MustCompile(`\bSET NOT NULL\b`), dialect: dialect.Postgres, newTo: true,
		why: "the previous release may write NULL, and the table is locked while all rows are read: add a CHECK … NOT VALID and validate it first",
	},
	{
		finds: regexp.MustCompile(`\bALTER COLUMN \S+ (SET DATA )?TYPE\b`), dialect: dialect.Postgres, newTo: true,
		why: "the table is rewritten under a lock: add a column, copy, and switch",
	},
	{
		finds:  regexp.MustCompile(`^CREATE (UNIQUE )?INDEX\b`),
		unless: regexp.MustCompile(`\bCONCURRENTLY\b`), dialect: dialect.Postgres, newTo: true,
		why: "writers wait until it is built: write CREATE INDEX CONCURRENTLY IF NOT EXISTS, in a file of its own that begins with -- atlas:txmode none and an empty line",
	},
	{
		finds:  regexp.MustCompile(`\bADD (CONSTRAINT \S+ )?(CHECK|FOREIGN KEY)\b`),
		unless: regexp.MustCompile(`\bNOT VALID\b`), dialect: dialect.Postgres, newTo: true,
		why: "the table is locked while all rows are read: add it NOT VALID, and VALIDATE CONSTRAINT in the next migration",
	},
}

var (
	quoted  = regexp.MustCompile(`'(?:[^']|'')*'`)
	clauses = regexp.MustCompile(`, (ADD|ALTER|DROP|RENAME) `) // of one ALTER TABLE
	spaces  = regexp.MustCompile(`\s+`)
	creates = regexp.MustCompile(`^CREATE TABLE (?:IF NOT EXISTS )?(\S+)`)
	touches = regexp.MustCompile(`^(?:ALTER TABLE (?:IF EXISTS )?(?:ONLY )?|CREATE (?:UNIQUE )?INDEX .*?\bON (?:ONLY )?)([^\s(]+)`)
	safe    = regexp.MustCompile(`^\s*--\s*safe:\s*\S`)
)

// lint finds unsafe statements in all files but the first. A comment line `-- safe: reason` above
// a statement lets it pass.
func (s *side) lint() error {
	files, err := s.dir.Files()
	if err != nil || len(files) == 0 {
		return err
	}
	var all error
	for _, file := range files[1:] {
		all = errors.Join(all, lintFile(s.dialect, file.Name(), file.Bytes()))
	}
	return all
}

func lintFile(name, file string, content []byte) error {
	statements, err := servermigrate.Statements(name, content)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	alone := servermigrate.OutsideTransaction(file, content)
	made := map[string]bool{}
	for _, statement := range statements {
		text := normal(statement.Text)
		if m := creates.FindStringSubmatch(text); m != nil {
			made[m[1]] = true
		}
		if isSafe(statement) {
			continue
		}
		for _, r := range rules {
			if r.breaks(name, text, made) {
				err = errors.Join(err, fmt.Errorf("%s: %s\n\t%s; if it is safe here, say why in a comment line above: -- safe: …", file, text, r.why))
			}
		}
		concurrent := strings.Contains(text, "CONCURRENTLY")
		switch {
		case concurrent && !alone:
			err = errors.Join(err, fmt.Errorf("%s: %s\n\tit cannot run in a transaction: begin the file with -- atlas:txmode none and an empty line", file, text))
		case alone && !strings.Contains(text, "IF NOT EXISTS") && !strings.Contains(text, "IF EXISTS"):
			err = errors.Join(err, fmt.Errorf("%s: %s\n\toutside a transaction a statement may have to run again: write IF NOT EXISTS or IF EXISTS", file, text))
		}
	}
	return err
}

func (r rule) breaks(name, text string, made map[string]bool) bool {
	if m := touches.FindStringSubmatch(text); r.newTo && m != nil && made[m[1]] || r.dialect != "" && r.dialect != name {
		return false
	}
	for _, clause := range strings.Split(clauses.ReplaceAllString(text, "\n$1 "), "\n") {
		if r.finds.MatchString(clause) && (r.unless == nil || !r.unless.MatchString(clause)) {
			return true
		}
	}
	return false
}

func isSafe(statement *migrate.Stmt) bool {
	for _, comment := range statement.Comments {
		for line := range strings.Lines(comment) {
			if safe.MatchString(line) {
				return true
			}
		}
	}
	return false
}

// normal makes a statement easy to search.
func normal(text string) string {
	text = quoted.ReplaceAllString(text, "''")
	text = strings.NewReplacer(`"`, "", "`", "").Replace(text)
	return strings.TrimSuffix(strings.TrimSpace(spaces.ReplaceAllString(strings.ToUpper(text), " ")), ";")
}
