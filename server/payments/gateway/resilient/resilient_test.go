package resilient_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/resilient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted answers authorizations and inquiries with the next error of its script, then well.
type scripted struct {
	gateway.Gateway
	errs  []error
	calls int
}

func (s *scripted) next() error {
	if s.calls++; s.calls <= len(s.errs) {
		return s.errs[s.calls-1]
	}
	return nil
}

func (s *scripted) Authorize(context.Context, gateway.AuthorizeRequest) (gateway.Result, error) {
	return gateway.Result{Outcome: gateway.OutcomeDeclined}, s.next()
}

func (s *scripted) Inquire(context.Context, gateway.InquireRequest) (gateway.Inquiry, error) {
	return gateway.Inquiry{Fate: gateway.FateNeverHappened}, s.next()
}

func guard(errs ...error) (*scripted, *outbound.Caller, *resilient.Gateway) {
	s := &scripted{errs: errs}
	c := outbound.New("gateway", outbound.Options{Breaker: outbound.BreakerOptions{MinTries: 10}})
	return s, c, resilient.New(s, c)
}

func TestGateway(t *testing.T) {
	cause := errors.New("cause")
	refused := fault.New(fault.KindPrecondition, fault.ReasonCaptureTooLarge, "no")
	for name, c := range map[string]struct {
		err   error
		calls int
	}{
		"what certainly did not happen is sent again":           {gateway.Temporary(0, cause), 2},
		"it waits as long as the gateway asks":                  {gateway.Temporary(3*time.Second, cause), 2},
		"what is unknown is not: it must be asked about":        {gateway.Unknown(cause), 1},
		"a refusal is not":                                      {refused, 1},
		"wrong credentials are not: an operator has to mend it": {gateway.Misconfigured(cause), 1},
		"an error that nobody classified is not":                {cause, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, g := guard(c.err)
				got, err := g.Authorize(t.Context(), gateway.AuthorizeRequest{})
				require.Equal(t, c.calls, s.calls)
				if c.calls == 1 {
					require.ErrorIs(t, err, c.err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, gateway.OutcomeDeclined, got.Outcome)
			})
		})
	}
	t.Run("an inquiry is repeated whatever went wrong, for it changes nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _, g := guard(gateway.Unknown(cause), cause)
			got, err := g.Inquire(t.Context(), gateway.InquireRequest{})
			require.NoError(t, err)
			require.Equal(t, gateway.FateNeverHappened, got.Fate)
			require.Equal(t, 3, s.calls)
		})
	})
	t.Run("a gateway that does not answer is left alone, and what is kept back did not happen", func(t *testing.T) {
		var errs []error
		for range 10 {
			errs = append(errs, gateway.Unknown(cause))
		}
		s, c, g := guard(errs...)
		for range 10 {
			_, err := g.Authorize(t.Context(), gateway.AuthorizeRequest{})
			require.True(t, gateway.IsUnknown(err))
		}
		require.Equal(t, "open", c.State())
		_, err := g.Authorize(t.Context(), gateway.AuthorizeRequest{})
		require.True(t, gateway.IsTemporary(err))
		require.Positive(t, fault.From(err).RetryAfter)
		require.Equal(t, 10, s.calls)
	})
	t.Run("declines and refusals keep the breaker closed", func(t *testing.T) {
		var errs []error
		for range 50 {
			errs = append(errs, refused)
		}
		_, c, g := guard(errs...)
		for range 100 {
			_, _ = g.Authorize(t.Context(), gateway.AuthorizeRequest{})
		}
		require.Equal(t, "closed", c.State())
	})
}
