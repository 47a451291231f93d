package integrity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/saga"
)

const (
	// sagaPage is how many sagas are read at once.
	sagaPage = 500
	// sagaGrace is how late an engine may be.
	sagaGrace = time.Minute
)

// checkSagas reads all unfinished sagas of a shard and gives how many there are. One that is past its
// deadline must be stuck, which is an alert, or be looked at again soon.
func (c *check) checkSagas(ctx context.Context, shard int) (sagas int64, err error) {
	if c.Sagas == nil {
		return 0, nil
	}
	for after := ""; ; {
		page, err := c.Sagas.Unfinished(ctx, shard, after, sagaPage)
		if err != nil || len(page) == 0 {
			return sagas, err
		}
		late := time.Now().Add(-sagaGrace)
		for _, r := range page {
			c.inspectSaga(shard, r, late)
		}
		sagas += int64(len(page))
		after = page[len(page)-1].Key()
	}
}

func (c *check) inspectSaga(shard int, r saga.Record, late time.Time) {
	prefix, _, _ := strings.Cut(r.Subject, "_")
	subject, err := id.Parse(prefix, r.Subject)
	about := func(invariant, format string, args ...any) Violation {
		v := Violation{Invariant: invariant, Shard: shard, Detail: r.Key() + ": " + fmt.Sprintf(format, args...)}
		if err == nil && prefix != "ret" && prefix != "pmv" { // returns and payments have ids of their own
			v.OrderID = order.ID{UUID: subject.WithPart(0)}.String()
		}
		return v
	}
	if err != nil || int(subject.Slot()) != r.Slot || c.Owner(subject.Slot()) != shard {
		c.found(about(Placement, "it says slot %d", r.Slot))
	}
	switch {
	case r.State == saga.StateStuck:
		c.unsettled(about(Deadlines, "it is stuck: %s", r.Reason))
	case r.Deadline.Before(late) && r.Wake.Before(late):
		c.found(about(Deadlines, "it is %s, and its deadline was %s", r.State, r.Deadline.Format(time.RFC3339)))
	}
}
