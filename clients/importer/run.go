package importer

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

// Options changes how documents are sent. The zero value is fine.
type Options struct {
	// RejectsPath is where the rows of refused documents go. Empty for rejects.csv.
	RejectsPath string
	// Window is how many batches may wait for their answer. 0 for 4.
	Window int
	// RetryFor is how long the server may be away before the import gives up. 0 for a minute.
	RetryFor time.Duration
	// RetryBase and RetryCeiling bound the pauses between tries. 0 for 100 ms and 5 s.
	RetryBase, RetryCeiling time.Duration
	// OnProgress is told after each answer. It is called by the goroutine of Run.
	OnProgress func(Progress)
	// OnRetry is told why the stream was lost and how long the pause is.
	OnRetry func(err error, pause time.Duration)
}

// Progress tells how far an import is. Bytes are those of the files as they are stored.
type Progress struct {
	Documents, Rows       int64 // answered or rejected
	BytesRead, BytesTotal int64
}

// Run sends documents to the server until the last one is answered, and opens the stream again
// when it is lost. Running it again, also after it was killed, changes nothing that is stored. The
// summary is right also when there is an error: of the files (*FileError, after everything before
// the damage was sent), of the server (*connect.Error) or of the rejects file. Open the client
// over HTTP/2: the stream goes both ways at once.
func Run(ctx context.Context, client ordersv1connect.OrderServiceClient, docs Source, opts Options) (Summary, error) {
	opts.RejectsPath = cmp.Or(opts.RejectsPath, "rejects.csv")
	opts.Window = max(cmp.Or(opts.Window, 4), 1)
	opts.RetryFor = cmp.Or(opts.RetryFor, time.Minute)
	opts.RetryBase = cmp.Or(opts.RetryBase, 100*time.Millisecond)
	opts.RetryCeiling = cmp.Or(opts.RetryCeiling, 5*time.Second)
	r := &run{client: client, opts: opts, summary: newSummary(), rejects: rejects{path: opts.RejectsPath}}
	r.batches = batcher{source: docs, reject: r.reject, read: r.summary.read}
	err := r.send(ctx)
	read, _ := docs.Progress()
	r.progress(read)
	names, writeErr := r.rejects.finish()
	r.summary.RejectsFiles = names
	err = errors.Join(err, writeErr)
	r.summary.Complete = err == nil
	return *r.summary, err
}

// run is one import.
type run struct {
	client  ordersv1connect.OrderServiceClient
	opts    Options
	summary *Summary
	rejects rejects
	batches batcher
	pending []*batch // sent or about to be, oldest first, not answered
	rows    int64    // answered or rejected
	answers int      // batches
}

// send opens streams until all is answered.
func (r *run) send(ctx context.Context) error {
	pauses := backoff{base: r.opts.RetryBase, ceiling: r.opts.RetryCeiling}
	var lost time.Time // when the stream was lost after the last answer
	for answers := -1; ; answers = r.answers {
		err := r.stream(ctx)
		if err == nil {
			return r.batches.damage()
		}
		if !lostStream(ctx, err) {
			return err
		}
		if r.answers != answers {
			lost, pauses.tries = time.Now(), 0
		}
		if time.Since(lost) > r.opts.RetryFor {
			return err
		}
		pause := pauses.next()
		r.summary.Retries++
		if r.opts.OnRetry != nil {
			r.opts.OnRetry(err, pause)
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

func (r *run) reject(doc *Document, reason, message string) error {
	r.summary.rejected(doc, reason)
	r.rows += int64(len(doc.Rows))
	return r.rejects.add(doc, reason, message)
}
