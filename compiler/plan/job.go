package plan

import "time"

// Job is the job block with every default resolved (language A6, A7, A20).
type Job struct {
	Name        string        `json:"name"`
	Parallelism int           `json:"parallelism"`
	MaxParallel int           `json:"max_parallelism"`
	MaxSet      bool          `json:"max_parallelism_set,omitempty"` // a layer set it: a snapshot with another one is refused
	TimeZone    string        `json:"time_zone"`
	SkipErrors  bool          `json:"skip_errors,omitempty"` // on_row_error = skip
	BatchSize   int           `json:"batch_size"`
	Linger      time.Duration `json:"linger"`
	Memory      int64         `json:"memory,omitempty"` // bytes that the process may use; 0: no limit
	State       State         `json:"state"`
	Checkpoint  Checkpoint    `json:"checkpoint"`
	Restart     Restart       `json:"restart"`
	Origins     []Origin      `json:"-"` // every resolved value and its layer, in the order of the reference
}

// Origin is one line of `validate --explain-config`.
type Origin struct {
	Path  string `json:"path"` // job.checkpoint.interval
	Value string `json:"value"`
	Layer string `json:"layer"` // built-in, a configuration file's name, job, command line
}

// State is the chosen backend: memory, fs or badger. Path is "" when none was given.
type State struct {
	Backend     string `json:"backend"`
	Path        string `json:"path,omitempty"`
	MaxSize     int64  `json:"max_size,omitempty"` // memory: bytes of encoded keyed rows per task
	Incremental bool   `json:"incremental,omitempty"`
	Cache       int64  `json:"cache,omitempty"` // badger: bytes
	Local       string `json:"local,omitempty"` // badger: directory of the working database; "": under the user's state directory
}

// Checkpoint is the checkpoint block. Interval 0 means that checkpoints are off.
type Checkpoint struct {
	Interval      time.Duration `json:"interval"`
	AtLeastOnce   bool          `json:"at_least_once,omitempty"`
	Storage       string        `json:"storage,omitempty"` // resolved: checkpoint storage, else state path, else ./.pipec; "": in the process (memory only)
	Timeout       time.Duration `json:"timeout"`
	MinPause      time.Duration `json:"min_pause"`
	MaxConcurrent int           `json:"max_concurrent"`
	Retain        int           `json:"retain"`
	KeepOnCancel  bool          `json:"keep_on_cancel,omitempty"`
	Tolerate      int           `json:"tolerate_failures"`
}

// Enabled says whether checkpoints are on.
func (c Checkpoint) Enabled() bool { return c.Interval > 0 }

// Restart is the chosen strategy with its parameters, by the names of checkpoint/restart's table.
type Restart struct {
	Strategy     string        `json:"strategy"`
	Attempts     int           `json:"attempts,omitempty"`
	Delay        time.Duration `json:"delay,omitempty"`
	MaxFailures  int           `json:"max_failures,omitempty"`
	Interval     time.Duration `json:"interval,omitempty"`
	Initial      time.Duration `json:"initial,omitempty"`
	Max          time.Duration `json:"max,omitempty"`
	Multiplier   float64       `json:"multiplier,omitempty"`
	Jitter       float64       `json:"jitter,omitempty"`
	ResetAfter   time.Duration `json:"reset_after,omitempty"`
	FromDefaults bool          `json:"from_defaults,omitempty"` // no layer names a strategy
}
