package outbound_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/outbound"
)

func TestCaller_Change(t *testing.T) {
	t.Run("the next call has the new time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := outbound.New("x", outbound.Options{Timeout: time.Hour, TryTimeout: time.Hour})
			c.Change(time.Second, time.Second, outbound.BreakerOptions{})
			began := time.Now()
			_, err := outbound.Do(t.Context(), c, always(outbound.Verdict{}), func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(began))
		})
	})
	t.Run("another rule begins with a closed breaker, the same rule leaves it as it is", func(t *testing.T) {
		rule := outbound.BreakerOptions{MinTries: 1, FailureRate: 0.5, Window: time.Minute, OpenFor: time.Hour}
		c := outbound.New("x", outbound.Options{Breaker: rule, Metrics: prometheus.NewRegistry()})
		f := &failing{times: 1}
		_, err := outbound.Do(t.Context(), c, always(outbound.Verdict{Health: outbound.Failed}), f.try)
		require.Error(t, err)
		require.Equal(t, "open", c.State())
		c.Change(time.Minute, time.Minute, rule)
		require.Equal(t, "open", c.State())
		rule.MinTries = 2
		c.Change(time.Minute, time.Minute, rule)
		require.Equal(t, "closed", c.State())
	})
}
