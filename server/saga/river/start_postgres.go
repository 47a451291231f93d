package river

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/saga"
	"github.com/orderprocessing/orderprocessing/server/saga/progress"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

// insertJobs inserts jobs and tells the workers, in the words of River's own migration: its client takes
// two statements of its own, each a round trip of a transaction that every new order waits for, and reads
// back what it has just written. The columns that are missing have what River's client gives them.
func insertJobs(several bool) string {
	return `
WITH inserted AS (
  INSERT INTO river_job (args, kind, queue, priority, max_attempts)
  SELECT args, $1, queue, $2, $3 FROM ` + database.Rows(several, 5, "jsonb", "text") + ` AS n (args, queue)
)
SELECT pg_notify(current_schema() || '.` + insertTopic + `', told) FROM unnest($4::text[]) AS told`
}

var insertJob, insertSeveral = insertJobs(false), insertJobs(true)

var _ saga.Batched = (*Starter)(nil)

// StartBatch queues what StartTx does.
func (s *Starter) StartBatch(trip *pgx.Batch, starts []saga.Start) error {
	records, keys, ticket := s.begin(starts)
	query, args := progress.Insertion(s.dialect, records, ticket)
	trip.Queue(query, args...)
	var jobs, queues, told []string
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		for some := range slices.Chunk(keys[name], maxKeys) {
			text, err := json.Marshal(batch{Ticket: ticket, Keys: strings.Join(some, "\n")})
			if err != nil {
				return err
			}
			jobs, queues = append(jobs, string(text)), append(queues, name)
		}
		told = append(told, `{"queue": "`+name+`"}`)
	}
	if len(jobs) > 0 {
		query, several := insertJob, len(jobs) > 1
		if several {
			query = insertSeveral
		}
		trip.Queue(query, batch{}.Kind(), int16(priorityNew), int16(maxJobAttempts), told,
			database.Column(several, jobs), database.Column(several, queues))
	}
	return nil
}
