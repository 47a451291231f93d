// Package audit keeps what privileged callers did and what was denied, in the home database: records
// are appended and never change, and each carries the hash of the one before, so that a change of any
// of them is found. What is worth a record is up to those who append.
package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/auditrecord"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// Outcome is what became of an act.
type Outcome string

// The outcomes.
const (
	Done   Outcome = "done"
	Denied Outcome = "denied"
)

// Record is one act. No field may hold a secret or what names a person.
type Record struct {
	Number   int64     `json:"number"` // from 1, without gaps; set by the log
	Time     time.Time `json:"time"`   // UTC, microseconds; set by the log
	Actor    string    `json:"actor"`  // usr_…, key_…; empty takes the caller of the context, if there is one
	Action   string    `json:"action"` // such as identity.AssignRole
	Object   string    `json:"object"` // such as usr_…; may be empty
	Outcome  Outcome   `json:"outcome"`
	Detail   string    `json:"detail"`   // a few words; may be empty
	Previous Hash      `json:"previous"` // of the record before; set by the log
	Hash     Hash      `json:"hash"`     // set by the log
}

// Pseudonym stands for a name that may be personal: who knows the name can find its records, and nobody can
// read the name from them.
func Pseudonym(name string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))) }

// Log takes records.
type Log interface {
	// Append keeps a record: it is durable when this returns. What is done should be recorded before it
	// is answered, and what is denied before it is refused.
	Append(ctx context.Context, r Record) error
}

// Store is the log in the home database. Make it with New; it is safe for concurrent use. Close it
// when nobody appends any more.
type Store struct {
	database *database.Database
	read     *db.Client
	writer   *coalesce.Writer[Record, Record]
	now      func() time.Time
}

var _ Log = (*Store)(nil)

const (
	maxBatch = 200
	maxQueue = 10_000
)

// New makes a log over a migrated database, which its opener closes.
func New(d *database.Database, now func() time.Time) *Store {
	s := &Store{database: d, read: db.NewClient(db.Driver(entsql.OpenDB(d.Dialect(), d.Read))), now: now}
	s.writer = coalesce.New(s.flush, maxBatch, maxQueue, nil)
	return s
}

// Close writes what was taken.
func (s *Store) Close(ctx context.Context) error {
	s.writer.Close(ctx)
	return nil
}

// Append keeps a record. Records that come at the same time share a commit.
func (s *Store) Append(ctx context.Context, r Record) error {
	if r.Actor == "" {
		r.Actor = auth.CallerFrom(ctx).ID
	}
	_, err := s.writer.Do(ctx, r)
	return err
}

// List reads records, newest first, at most limit: those before a number, or the newest for 0.
func (s *Store) List(ctx context.Context, before int64, limit int) ([]Record, error) {
	query := s.read.AuditRecord.Query().Order(db.Desc(auditrecord.FieldID)).Limit(limit)
	if before > 0 {
		query = query.Where(auditrecord.IDLT(before))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fromDriver(err)
	}
	records := make([]Record, len(rows))
	for i, row := range rows {
		records[i] = recordFromRow(row)
	}
	return records, nil
}

// flush appends a batch in one transaction.
func (s *Store) flush(ctx context.Context, batch []Record) []coalesce.Result[Record] {
	results := make([]coalesce.Result[Record], len(batch))
	written, err := s.append(ctx, batch)
	for i := range results {
		if err != nil {
			results[i].Err = fromDriver(err)
			continue
		}
		results[i].Value = written[i]
	}
	return results
}

// append locks the end of the chain, so that replicas take turns, and writes the records behind it.
func (s *Store) append(ctx context.Context, batch []Record) ([]Record, error) {
	sqlTx, err := s.database.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sqlTx.Rollback() }() // nothing to do after a commit
	tx := db.NewClient(db.Driver(database.Driver(sqlTx, s.database.Dialect())))
	err = tx.AuditHead.CreateBulk(tx.AuditHead.Create().SetID(1).SetNumber(0).SetHash(make([]byte, hashBytes))).
		OnConflictColumns("id").DoNothing().Exec(ctx)
	if err != nil {
		return nil, err
	}
	head, err := tx.AuditHead.UpdateOneID(1).AddNumber(int64(len(batch))).Save(ctx)
	if err != nil {
		return nil, err
	}
	first, previous := head.Number-int64(len(batch))+1, Hash(head.Hash)
	rows := make([]*db.AuditRecordCreate, len(batch))
	now := s.now().UTC().Truncate(time.Microsecond)
	for i := range batch {
		r := &batch[i]
		r.Number, r.Time, r.Previous = first+int64(i), now, previous
		r.Hash = r.sum()
		previous = r.Hash
		rows[i] = tx.AuditRecord.Create().SetID(r.Number).SetTime(r.Time).SetActor(r.Actor).SetAction(r.Action).
			SetObject(r.Object).SetOutcome(string(r.Outcome)).SetDetail(r.Detail).SetPrevious(r.Previous).SetHash(r.Hash)
	}
	if err := tx.AuditRecord.CreateBulk(rows...).Exec(ctx); err != nil {
		return nil, err
	}
	if err := tx.AuditHead.UpdateOneID(1).SetHash(previous).Exec(ctx); err != nil {
		return nil, err
	}
	return batch, sqlTx.Commit()
}

func recordFromRow(row *db.AuditRecord) Record {
	return Record{
		Number: row.ID, Time: row.Time.UTC(), Actor: row.Actor, Action: row.Action, Object: row.Object,
		Outcome: Outcome(row.Outcome), Detail: row.Detail, Previous: row.Previous, Hash: row.Hash,
	}
}

// fromDriver turns what a driver says into a fault, by its code. Faults pass.
func fromDriver(err error) error {
	if err == nil || fault.From(err) != nil {
		return err
	}
	switch database.Classify(err) {
	case database.Unavailable, database.DiskFull, database.Canceled, database.Busy, database.Conflict, database.Deadlock:
		return fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "the audit log cannot be reached; try again").Because(err)
	default:
		return fmt.Errorf("audit log: %w", err)
	}
}
