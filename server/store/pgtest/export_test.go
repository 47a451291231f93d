package pgtest

// FindPrograms is for a test without Postgres.
var FindPrograms = findPrograms

// Dir is where the cluster is.
func (c *Cluster) Dir() string { return c.dir }
