package importer

import (
	"fmt"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// settle books the answer to the oldest batch.
func (r *run) settle(response *ordersv1.ImportOrdersResponse) error {
	answered := r.pending[0]
	if len(response.Outcomes) != len(answered.docs) {
		return fmt.Errorf("%w: %d outcomes for %d documents", errProtocol, len(response.Outcomes),
			len(answered.docs))
	}
	for i, outcome := range response.Outcomes {
		if outcome.Result == ordersv1.ImportResult_IMPORT_RESULT_UNSPECIFIED {
			return fmt.Errorf("%w: no result for %s", errProtocol, answered.docs[i].Number)
		}
	}
	r.pending[0] = nil
	r.pending = r.pending[1:]
	r.answers++
	for i, outcome := range response.Outcomes {
		if err := r.book(answered.docs[i], outcome); err != nil {
			return err
		}
	}
	r.progress(answered.read)
	return nil
}

func (r *run) book(doc *Document, outcome *ordersv1.ImportOutcome) error {
	switch outcome.Result {
	case ordersv1.ImportResult_IMPORT_RESULT_CREATED:
		r.summary.created(doc)
	case ordersv1.ImportResult_IMPORT_RESULT_UNCHANGED:
		r.summary.unchanged(doc)
	default:
		return r.reject(doc, outcome.Reason, outcome.Message)
	}
	r.rows += int64(len(doc.Rows))
	return nil
}

func (r *run) progress(read int64) {
	if r.opts.OnProgress == nil {
		return
	}
	_, total := r.batches.source.Progress()
	done := r.summary.Total
	r.opts.OnProgress(Progress{Documents: done.Created + done.Unchanged + done.Rejected, Rows: r.rows,
		BytesRead: read, BytesTotal: total})
}
