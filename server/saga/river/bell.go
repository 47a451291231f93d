package river

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// ringing is River's driver of SQLite with something to listen to, so that it need not ask all the time.
type ringing struct {
	*riversqlite.Driver
	bell *bell
}

// SupportsListener says that there is something to listen to.
func (ringing) SupportsListener() bool { return true }

// GetListener gives the bell.
func (r ringing) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener { return r.bell }

// bell is a riverdriver.Listener that hears of jobs within this process. River wakes the queue, whose
// fetch has to wait for the transaction that inserts the job: there is one writer.
type bell struct {
	mu     sync.Mutex
	queues map[string]bool // with jobs that were not told yet
	rung   chan struct{}
}

var _ riverdriver.Listener = (*bell)(nil)

func newBell() *bell { return &bell{queues: map[string]bool{}, rung: make(chan struct{}, 1)} }

// ring tells that a queue has got a job.
func (b *bell) ring(queue string) {
	b.mu.Lock()
	b.queues[queue] = true
	b.mu.Unlock()
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

// insertTopic is what River's clients call the news of jobs.
const insertTopic = "river_insert"

// WaitForNotification gives the next queue that has got a job.
func (b *bell) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for {
		if queue, ok := b.next(); ok {
			payload, err := json.Marshal(map[string]string{"queue": queue})
			return &riverdriver.Notification{Topic: insertTopic, Payload: string(payload)}, err
		}
		select {
		case <-b.rung:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *bell) next() (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for queue := range b.queues {
		delete(b.queues, queue)
		return queue, true
	}
	return "", false
}

// Connect and the others have nothing to do: there is no connection.
func (*bell) Connect(context.Context) error          { return nil }
func (*bell) Close(context.Context) error            { return nil }
func (*bell) Listen(context.Context, string) error   { return nil }
func (*bell) Unlisten(context.Context, string) error { return nil }
func (*bell) Ping(context.Context) error             { return nil }
func (*bell) Schema() string                         { return "" }
func (*bell) SetAfterConnectExec(string)             {}
