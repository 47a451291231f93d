package entstore

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// send makes a trip whose answers nobody looks at. It is what SendBatch does, with the arguments written
// into room that is used again: pgx begins with 256 bytes at each statement and moves them whenever they
// grow, which was an eighth of all that CreateOrder allocates.
func send(ctx context.Context, conn *pgx.Conn, trip *pgx.Batch) error {
	r, _ := rooms.Get().(*room)
	defer func() {
		r.empty()
		rooms.Put(r)
	}()
	for _, q := range trip.QueuedQueries {
		statement, err := conn.Prepare(ctx, q.SQL, q.SQL) // once a connection
		if err == nil {
			err = r.bind(conn, statement, q.Arguments)
		}
		if err != nil {
			return err
		}
	}
	conn.PgConn().Frontend().Send(ahead(r.size()))
	pipeline := conn.PgConn().StartPipeline(ctx)
	for _, b := range r.bound {
		pipeline.SendQueryStatement(b.statement, r.values[b.from:b.to], r.formats[b.from:b.to], nil)
	}
	return errors.Join(pipeline.Sync(), pipeline.Close())
}

// rooms are kept for the next trips.
var rooms = sync.Pool{New: func() any { return new(room) }}

// room is where the statements of a trip are written with their arguments.
type room struct {
	bound   []bound
	values  [][]byte
	formats []int16
	bytes   []byte // of all values
}

// bound is a statement, and which of all values and formats are its own.
type bound struct {
	statement *pgconn.StatementDescription
	from, to  int
}

// bind adds a statement with its arguments.
func (r *room) bind(conn *pgx.Conn, statement *pgconn.StatementDescription, args []any) error {
	from := len(r.values)
	if r.bytes == nil { // an empty value must not be taken for NULL
		r.bytes = make([]byte, 0, usualRoom)
	}
	for i, arg := range args {
		kind := statement.ParamOIDs[i]
		format := conn.TypeMap().FormatCodeForOID(kind)
		start := len(r.bytes)
		written, err := conn.TypeMap().Encode(kind, format, arg, r.bytes)
		if err != nil {
			return err
		}
		var value []byte // NULL
		if written != nil {
			r.bytes, value = written, written[start:]
		}
		r.values, r.formats = append(r.values, value), append(r.formats, format)
	}
	r.bound = append(r.bound, bound{statement, from, len(r.values)})
	return nil
}

// size is about what the trip takes on its way: a value has its length and its format with it, a statement its name and
// what is to be done with it.
func (r *room) size() int { return len(r.bytes) + 6*len(r.values) + 256*len(r.bound) }

// ahead is no message: it makes room for those that follow. pgx begins each trip with 1 KB, and copies all into
// twice the room whenever that is full.
type ahead int

// Frontend implements pgproto3.FrontendMessage.
func (ahead) Frontend() {}

// Decode implements pgproto3.Message.
func (ahead) Decode([]byte) error { return errors.ErrUnsupported }

// Encode implements pgproto3.Message.
func (a ahead) Encode(written []byte) ([]byte, error) { return slices.Grow(written, int(a)), nil }

// usualRoom is how many bytes a room has first, for some orders, and maxRoom how many are kept.
const (
	usualRoom = 4 << 10
	maxRoom   = 256 << 10
)

func (r *room) empty() {
	clear(r.bound)
	clear(r.values)
	r.bound, r.values, r.formats, r.bytes = r.bound[:0], r.values[:0], r.formats[:0], r.bytes[:0]
	if cap(r.bytes) > maxRoom {
		r.bytes = nil
	}
}
