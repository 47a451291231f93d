package discovery

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	// outlierAfter is how many tries in a row an address may fail.
	outlierAfter = 5
	// outlierFor is how long it is left out then.
	outlierFor = 30 * time.Second
)

// outliers leaves out the addresses that answer but keep failing, never more than half of them. (Those
// that do not answer at all, the balancer knows.) The rule is Envoy's for consecutive gateway failures;
// grpc-go has one too, but only together with all of xDS. It is safe for concurrent use.
type outliers struct {
	mu       sync.Mutex
	changed  func([]string) // gets the addresses to use
	all      []string
	failures map[string]int // in a row, by address
	out      map[string]time.Time
	dialed   sync.Map // of what the other side calls itself: the address that was dialed
}

func newOutliers() *outliers {
	return &outliers{failures: map[string]int{}, out: map[string]time.Time{}}
}

// tell has changed called, one call after the other, whenever other addresses are to be used.
func (o *outliers) tell(changed func([]string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changed = changed
}

// set replaces the addresses.
func (o *outliers) set(all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = all
	o.publish()
}

// publish tells which addresses to use now.
func (o *outliers) publish() {
	now := time.Now()
	use := make([]string, 0, len(o.all))
	for _, address := range o.all {
		if !now.Before(o.out[address]) {
			delete(o.out, address)
			use = append(use, address)
		}
	}
	o.changed(use)
}

// tried counts a try.
func (o *outliers) tried(address string, failed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !failed {
		delete(o.failures, address)
		return
	}
	if o.failures[address]++; o.failures[address] < outlierAfter {
		return
	}
	now, left := time.Now(), 0
	for _, known := range o.all {
		if now.Before(o.out[known]) {
			left++
		}
	}
	if 2*(left+1) > len(o.all) || now.Before(o.out[address]) {
		return
	}
	delete(o.failures, address)
	o.out[address] = now.Add(outlierFor)
	o.publish()
	time.AfterFunc(outlierFor, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.publish()
	})
}

// observe is a grpc.UnaryClientInterceptor that counts a try.
func (o *outliers) observe(
	ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	var other peer.Peer
	err := next(ctx, method, req, reply, conn, append(opts[:len(opts):len(opts)], grpc.Peer(&other))...)
	if other.Addr == nil || ctx.Err() != nil {
		return err
	}
	if address, ok := o.dialed.Load(other.Addr.String()); ok {
		o.tried(address.(string), broken(err))
	}
	return err
}

// broken tells whether an error says that the other side does not work, rather than what it decided: a
// decision has details.
func broken(err error) bool {
	s := status.Convert(err)
	switch s.Code() {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return true
	case codes.Unavailable:
		return len(s.Details()) == 0
	default:
		return false
	}
}

// dial opens a connection, and remembers which address it goes to.
func (o *outliers) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		o.dialed.Store(conn.RemoteAddr().String(), address)
	}
	return conn, err
}
