// Package coalesce lets concurrent writers share one commit. While one batch is being written the
// next requests gather, and go in together as the next batch; there is no timer, so a lone request
// goes at once. It leaves to its user what a batch does and how one request of it fails alone.
package coalesce

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Result is what became of one request of a batch.
type Result[Out any] struct {
	Value Out
	Err   error
}

// Flush writes a batch, in order, and gives one result for each request. It is never called twice
// at once. Its context does not end with any one caller, but when it takes far too long.
type Flush[In, Out any] func(ctx context.Context, batch []In) []Result[Out]

// Observe is told of each batch how many requests it has, and how long the first of them has waited
// for the batch before. It must not block.
type Observe func(size int, waited time.Duration)

// Writer gathers requests into batches. Make one with New; Close it when nobody calls Do any more.
type Writer[In, Out any] struct {
	flush    Flush[In, Out]
	maxBatch int
	maxQueue int
	observe  Observe
	turns    Turns

	mu      sync.Mutex
	queue   []*call[In, Out]
	busy    bool
	running bool          // from the first request on
	woken   chan struct{} // tells who writes that it has something to do; closed when it is to end
	idle    *sync.Cond    // signaled when busy becomes false
	closed  bool
	context context.Context //nolint:containedctx // of all flushes; it outlives every caller
	cancel  context.CancelFunc
}

// call is a request on its way. Its done channel gets one result.
type call[In, Out any] struct {
	ctx  context.Context //nolint:containedctx // of the caller, to withdraw the request
	in   In
	came time.Time // only for who observes
	done chan *Result[Out]
}

// New makes a writer of batches of at most maxBatch requests, with at most maxQueue waiting.
// Nil observes nothing.
func New[In, Out any](flush Flush[In, Out], maxBatch, maxQueue int, observe Observe) *Writer[In, Out] {
	w := &Writer[In, Out]{flush: flush, maxBatch: maxBatch, maxQueue: maxQueue, observe: observe, woken: make(chan struct{}, 1)}
	w.idle = sync.NewCond(&w.mu)
	w.context, w.cancel = context.WithCancel(context.Background()) //nolint:gosec // Close cancels
	return w
}

// InTurn makes the writer take turns with the others that have the same. Call it before anything else.
func (w *Writer[In, Out]) InTurn(turns Turns) *Writer[In, Out] {
	w.turns = turns
	return w
}

// Do writes one request and gives its result. It fails with OVERLOADED at once when too many wait.
// A caller that goes away before its batch starts withdraws the request; afterwards the request
// may or may not have been written.
func (w *Writer[In, Out]) Do(ctx context.Context, in In) (out Out, err error) {
	c := &call[In, Out]{ctx: ctx, in: in, done: make(chan *Result[Out], 1)}
	if w.observe != nil {
		c.came = time.Now()
	}
	w.mu.Lock()
	switch {
	case w.closed:
		w.mu.Unlock()
		return out, fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown, "the store is closing")
	case w.full():
		w.mu.Unlock()
		return out, overloaded()
	}
	w.queue = append(w.queue, c)
	if !w.running {
		w.running = true
		go w.run()
	}
	if !w.busy {
		w.busy = true
		w.woken <- struct{}{} // there is room for one, and who is woken takes it before it is idle again
	}
	w.mu.Unlock()
	select {
	case r := <-c.done:
		if r.Err != nil {
			panicAgain(r.Err)
		}
		return r.Value, r.Err
	case <-ctx.Done():
		return out, ctx.Err()
	}
}

// full tells whether nobody more may wait, once those have made room who have gone.
func (w *Writer[In, Out]) full() bool {
	if len(w.queue) >= w.maxQueue {
		w.queue = slices.DeleteFunc(w.queue, func(c *call[In, Out]) bool { return c.ctx.Err() != nil })
	}
	return len(w.queue) >= w.maxQueue
}

// shedFor is how long a caller that was shed is asked to wait: some batches' time.
const shedFor = 100 * time.Millisecond

func overloaded() error {
	f := fault.New(fault.KindExhausted, fault.ReasonOverloaded, "too many writes are waiting; try again")
	f.RetryAfter = shedFor
	return f
}

// run writes batches whenever there are any. It is one goroutine that stays: the stack of a new one would
// grow, and be copied each time, on its way through the database's driver.
func (w *Writer[In, Out]) run() {
	for range w.woken {
		for w.writeNext() {
		}
	}
}

// writeNext writes the next batch, when it is its turn, and tells whether there was one. Before, it lets
// all go first who could run just now: those whom one batch has answered often come together with their
// next request, and the first of them would go alone. Where nobody else can run that takes no time.
func (w *Writer[In, Out]) writeNext() bool {
	runtime.Gosched()
	w.turns.take()
	defer w.turns.end()
	batch := w.next()
	if batch != nil {
		w.write(batch)
	}
	return batch != nil
}

// next takes the next batch off the queue, without the requests that were withdrawn; nil when
// nothing waits.
func (w *Writer[In, Out]) next() []*call[In, Out] {
	w.mu.Lock()
	defer w.mu.Unlock()
	var batch []*call[In, Out]
	taken := 0
	for ; taken < len(w.queue) && len(batch) < w.maxBatch; taken++ {
		if c := w.queue[taken]; c.ctx.Err() == nil {
			batch = append(batch, c)
		}
	}
	left := copy(w.queue, w.queue[taken:])
	clear(w.queue[left:])
	w.queue = w.queue[:left]
	if len(batch) == 0 {
		w.busy = false
		w.idle.Broadcast()
	}
	return batch
}

func (w *Writer[In, Out]) write(batch []*call[In, Out]) {
	if w.observe != nil {
		w.observe(len(batch), time.Since(batch[0].came))
	}
	in := make([]In, len(batch))
	for i, c := range batch {
		in[i] = c.in
	}
	results := w.flushed(in)
	for i := range results {
		batch[i].done <- &results[i]
	}
}

// longest is how long a batch may take, a little more than a statement may: a server that has gone
// without a word must not hold up those who come after.
const longest = 35 * time.Second

// flushed is flush, however it ends.
func (w *Writer[In, Out]) flushed(in []In) (results []Result[Out]) {
	ctx, cancel := context.WithTimeout(w.context, longest)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			results = failed[Out](len(in), Caught(value))
		}
	}()
	results = w.flush(ctx, in)
	for i, r := range results {
		if errors.Is(r.Err, context.DeadlineExceeded) { // no caller's: theirs do not get here
			results[i].Err = fault.New(fault.KindUnavailable, fault.ReasonDatabaseDown,
				"the database does not answer; retry with the same request id").Because(r.Err)
		}
	}
	return results
}

func failed[Out any](requests int, err error) []Result[Out] {
	results := make([]Result[Out], requests)
	for i := range results {
		results[i].Err = err
	}
	return results
}

// Close refuses new requests, waits until those that were taken are written, and ends. When ctx
// ends first, the batch being written is canceled.
func (w *Writer[In, Out]) Close(ctx context.Context) {
	stop := context.AfterFunc(ctx, w.cancel)
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.closed
	w.closed = true
	for w.busy {
		w.idle.Wait()
	}
	w.cancel()
	if first {
		close(w.woken)
	}
}
