package audit

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/auditrecord"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Anchor is a record as it was known at some time, kept elsewhere: who can write to the database can
// make a whole new chain, but none that has this record in it.
type Anchor struct {
	Number int64 `json:"number"`
	Hash   Hash  `json:"hash"`
}

// Report is what a check of the whole chain found.
type Report struct {
	OK       bool      `json:"ok"`
	Records  int64     `json:"records"`
	Head     Anchor    `json:"head"` // the last record, to be kept elsewhere
	Problems []Problem `json:"problems"`
}

// Problem is one thing that is not as it was written.
type Problem struct {
	Number int64  `json:"number"` // of the record
	What   string `json:"what"`
}

const (
	checkAtOnce = 1000
	// maxProblems is how many are listed; the first ones say where it began.
	maxProblems = 100
)

// Verify walks the chain from its beginning, in one snapshot, and lists what was changed, removed or put
// in. anchor is compared too, unless nil. progress is told how many records were read; it may be nil.
func (s *Store) Verify(ctx context.Context, anchor *Anchor, progress func(int64)) (Report, error) {
	tx, err := s.snapshot(ctx)
	if err != nil {
		return Report{}, fromDriver(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	head, err := tx.AuditHead.Get(ctx, 1)
	if err != nil && !db.IsNotFound(err) {
		return Report{}, fromDriver(err)
	}
	c := checker{previous: make(Hash, hashBytes), anchor: anchor, report: Report{Problems: []Problem{}}}
	for {
		rows, err := tx.AuditRecord.Query().Where(auditrecord.IDGT(c.last)).Order(auditrecord.ByID()).Limit(checkAtOnce).All(ctx)
		if err != nil {
			return Report{}, fromDriver(err)
		}
		for _, row := range rows {
			c.check(recordFromRow(row))
		}
		if progress != nil {
			progress(c.report.Records)
		}
		if len(rows) < checkAtOnce {
			return c.end(head), nil
		}
	}
}

// checker walks the chain. last and previous are the number and the hash of the record before.
type checker struct {
	last     int64
	previous Hash
	anchor   *Anchor
	anchored bool
	report   Report
}

func (c *checker) check(r Record) {
	c.report.Records++
	switch {
	case r.Number != c.last+1:
		c.found(c.last+1, "%s missing", span(c.last+1, r.Number-1))
	case !bytes.Equal(r.Previous, c.previous):
		c.found(r.Number, "does not follow the record before: this one or that one was replaced")
	}
	if !bytes.Equal(r.Hash, r.sum()) {
		c.found(r.Number, "was changed: its hash is not that of what it says")
	}
	if c.anchor != nil && c.anchor.Number == r.Number {
		c.anchored = true
		if !bytes.Equal(c.anchor.Hash, r.Hash) {
			c.found(r.Number, "is not the record that was noted down: the chain was written anew")
		}
	}
	c.last, c.previous = r.Number, r.Hash
}

// end compares the chain with its head.
func (c *checker) end(head *db.AuditHead) Report {
	number, hash := int64(0), Hash(make([]byte, hashBytes))
	if head != nil {
		number, hash = head.Number, head.Hash
	}
	switch {
	case c.last < number:
		c.found(c.last+1, "%s missing at the end", span(c.last+1, number))
	case c.last > number:
		c.found(number+1, "%s put in behind the end", span(number+1, c.last))
	case !bytes.Equal(c.previous, hash):
		c.found(c.last, "is not the last record that was written")
	}
	if c.anchor != nil && !c.anchored {
		c.found(c.anchor.Number, "was noted down and is not there")
	}
	c.report.OK = len(c.report.Problems) == 0
	c.report.Head = Anchor{Number: c.last, Hash: c.previous}
	return c.report
}

func (c *checker) found(number int64, what string, args ...any) {
	if len(c.report.Problems) < maxProblems {
		c.report.Problems = append(c.report.Problems, Problem{Number: number, What: fmt.Sprintf(what, args...)})
	}
}

// snapshot begins a transaction that sees one state of the log.
func (s *Store) snapshot(ctx context.Context) (*db.Tx, error) {
	var options *sql.TxOptions // a SQLite reader has a snapshot anyway
	if s.database.Dialect() == database.Postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return s.read.BeginTx(ctx, options)
}

func span(first, last int64) string {
	if first == last {
		return fmt.Sprintf("record %d is", first)
	}
	return fmt.Sprintf("records %d to %d are", first, last)
}
