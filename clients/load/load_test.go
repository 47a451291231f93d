package load

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// operator is who may put goods on the shelf, read all orders and verify.
var operator = auth.Caller{ID: "key_operator", Roles: []auth.Role{auth.Staff, auth.Operator}}

func options(run string) Options {
	return Options{
		Run: run, Stages: []Stage{{60, time.Second}, {120, time.Second}}, Mix: Mix{Create: 3, Get: 3, List: 2, Cancel: 1},
		Customers: 20, Products: 10, Skew: 1.1, InFlight: 1000, Connections: 2, Timeout: time.Minute, PaymentMethod: "tok_ok",
	}
}

func dialer(s *servertest.Server, caller auth.Caller) Dial {
	token := s.Token(caller)
	return func(options ...client.Option) (*client.Client, error) {
		return client.New(s.URL, append(options, client.WithToken(token))...)
	}
}

// line gives the calls of a procedure.
func (s Summary) line(p procedure) Line {
	for _, called := range s.Calls {
		if called.Name == p.String() {
			return called.Line
		}
	}
	return Line{}
}

func TestRun(t *testing.T) {
	s := servertest.Start(t)
	opts := options("first")
	opts.Verify = true
	told := 0
	opts.OnProgress = func(Summary) { told++ }
	got, err := Run(t.Context(), dialer(s, operator), opts)
	require.NoError(t, err)

	t.Run("all calls are answered, and every order is there once", func(t *testing.T) {
		require.Empty(t, got.Reasons)
		require.Empty(t, got.Missed(Thresholds{P99: time.Hour}))
		var all int64
		for _, p := range got.Calls {
			require.Equal(t, p.OK, p.sum(), p.Name)
			require.LessOrEqual(t, p.Latency.P50, p.Latency.P999)
			require.LessOrEqual(t, p.Latency.P999, p.Latency.Max)
			all += p.OK
		}
		require.InDelta(t, 180, all, 54) // four times the standard deviation
		require.Equal(t, all, got.Stages[0].OK+got.Stages[1].OK)
		created := got.line(createOrder).OK
		require.Positive(t, created)
		require.Equal(t, Check{Acknowledged: created, Right: created}, *got.Check)
		require.Zero(t, *got.Violations)
		require.Positive(t, told)
	})
	t.Run("another load of the same server uses the same goods", func(t *testing.T) {
		opts := options("second")
		opts.Stages = []Stage{{30, time.Second}}
		again, err := Run(t.Context(), dialer(s, operator), opts)
		require.NoError(t, err)
		require.True(t, again.Check.OK())
		require.Equal(t, again.line(createOrder).OK, again.Check.Acknowledged)
	})
}

func TestRun_Trouble(t *testing.T) {
	t.Run("what is turned away counts as shed, and not as lost", func(t *testing.T) {
		s := servertest.Start(t, func(cfg *config.Config) {
			cfg.Limits.TrustedFactor, cfg.Limits.Write = 1, config.Budget{PerMinute: 60, Burst: 40} // 20 are for the goods
		})
		got, err := Run(t.Context(), dialer(s, operator), options("shed"))
		require.NoError(t, err)
		created := got.line(createOrder)
		require.Positive(t, created.Shed)
		require.Zero(t, created.Failed)
		require.Equal(t, map[string]int64{"RATE_LIMITED": created.Shed + got.line(cancelOrder).Shed}, got.Reasons)
		require.Equal(t, Check{Acknowledged: created.OK, Right: created.OK}, *got.Check)
		require.Len(t, got.Missed(Thresholds{Failed: .01}), 1)
		require.Empty(t, got.Missed(Thresholds{Failed: -1}))
	})
	t.Run("who may not put goods on the shelf is told", func(t *testing.T) {
		s := servertest.Start(t)
		_, err := Run(t.Context(), dialer(s, auth.Caller{ID: "cus_1", Roles: []auth.Role{auth.Customer}}), options("customer"))
		require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err))
	})
	t.Run("a load that is told to stop says how far it came", func(t *testing.T) {
		s := servertest.Start(t)
		opts := options("stopped")
		opts.Stages = []Stage{{50, time.Hour}}
		ctx, stop := context.WithCancel(t.Context())
		opts.OnProgress = func(got Summary) {
			if len(got.Stages) > 0 && got.Stages[0].OK > 10 {
				stop()
			}
		}
		got, err := Run(ctx, dialer(s, operator), opts)
		require.ErrorIs(t, err, context.Canceled)
		require.Greater(t, got.Stages[0].OK, int64(10))
		require.Nil(t, got.Check)
	})
}

func TestLedger(t *testing.T) {
	s := servertest.Start(t)
	opts := options("ledger")
	opts.Mix = Mix{Create: 1}
	opts.Stages = []Stage{{50, time.Second}}
	r := &run{Options: opts, tally: newTally(opts), ledger: newLedger(opts.Run)}
	require.NoError(t, r.all(t.Context(), dialer(s, operator)))
	c, err := dialer(s, operator)()
	require.NoError(t, err)
	defer c.Close()

	all := r.ledger.all
	require.Greater(t, len(all), 10)
	for _, o := range all {
		o.seen = false
	}
	all[0].total++                                  // acknowledged with another total
	all[1].canceled = true                          // acknowledged as canceled, and goes on
	r.ledger.acknowledged(1_000_000, "ord_gone", 1) // never stored
	for number, o := range r.ledger.byNumber {      // acknowledged under an id, stored under another
		if o == all[2] {
			r.ledger.byNumber[number] = &placed{id: "ord_other"}
		}
	}
	found, err := r.ledger.check(t.Context(), c, time.Now())
	require.NoError(t, err)
	n := int64(len(r.ledger.all))
	require.Equal(t, Check{Acknowledged: n, Right: n - 4, Wrong: 2, Lost: 2, Doubled: 1}, found)
	require.False(t, found.OK())
}

func TestOptions_Validate(t *testing.T) {
	require.NoError(t, options("good").Validate())
	for name, spoil := range map[string]func(*Options){
		"no rate":            func(o *Options) { o.Stages = nil },
		"a rate of nothing":  func(o *Options) { o.Stages[0].Rate = 0 },
		"no creates":         func(o *Options) { o.Mix.Create = 0 },
		"less than nothing":  func(o *Options) { o.Mix.List = -1 },
		"too few products":   func(o *Options) { o.Products = 3 },
		"an even skew":       func(o *Options) { o.Skew = 1 },
		"a name of a person": func(o *Options) { o.Run = "Ann" },
		"no time":            func(o *Options) { o.Timeout = 0 },
		"no connections":     func(o *Options) { o.Connections = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			o := options("bad")
			spoil(&o)
			require.Error(t, o.Validate())
		})
	}
}
