package checkpoint

import (
	"encoding/json"
	"fmt"
	"path"
	"sort"
	"strings"
	"time"

	"pipec/state/blob"
)

// MetadataFile is the last file of a snapshot that is written; a directory without it is no snapshot.
const MetadataFile = "_metadata"

// Manifest is the content of `_metadata`: everything about a snapshot but the state itself.
type Manifest struct {
	Job      string    `json:"job"`
	Run      string    `json:"run"`
	ID       uint64    `json:"id"`
	Kind     Kind      `json:"kind"`
	Epoch    uint64    `json:"epoch"`
	Time     time.Time `json:"time"`    // of the trigger
	Engine   string    `json:"engine"`  // version of pipec
	Program  string    `json:"program"` // its text, imports included
	Hash     string    `json:"hash"`    // of the text
	Encoding int       `json:"key_encoding"`

	Parallelism    int      `json:"parallelism"`
	MaxParallelism int      `json:"max_parallelism"`
	Nodes          []Node   `json:"nodes"`
	Handles        []Handle `json:"handles"`
}

// Node is one step of the plan as a restore compares it.
type Node struct {
	ID          string          `json:"id"`
	Parallelism int             `json:"parallelism"`
	Signature   json.RawMessage `json:"signature,omitempty"` // plan.Signature, or none for a node without keyed state
	States      []StateInfo     `json:"states,omitempty"`
	Finished    bool            `json:"finished,omitempty"` // all its tasks had ended: it does not run again
}

// StateInfo describes one named state of a node; the schema is the state package's own.
type StateInfo struct {
	Name   string          `json:"name"`
	Kind   HandleKind      `json:"kind"`
	Schema json.RawMessage `json:"schema,omitempty"`
}

// Node gives the node with that id, or nil.
func (m *Manifest) Node(id string) *Node {
	for i := range m.Nodes {
		if m.Nodes[i].ID == id {
			return &m.Nodes[i]
		}
	}
	return nil
}

// Files returns every file that the snapshot needs, by name, each once.
func (m *Manifest) Files() []blob.Ref {
	seen := map[string]bool{}
	var files []blob.Ref
	for _, h := range m.Handles {
		for _, f := range h.Files {
			if !seen[f.Name] {
				seen[f.Name] = true
				files = append(files, f)
			}
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files
}

// Bytes is the full size of the state: all files and what is inline.
func (m *Manifest) Bytes() int64 {
	var n int64
	for _, f := range m.Files() {
		n += f.Size
	}
	for _, h := range m.Handles {
		n += int64(len(h.Inline))
	}
	return n
}

// Encode writes the manifest for a snapshot that lies in dir of its store. File names are written relative to dir, so that a directory
// that holds all its files can be moved.
func (m *Manifest) Encode(dir string) ([]byte, error) {
	out := *m
	out.Handles = make([]Handle, len(m.Handles))
	for i, h := range m.Handles {
		if len(h.Inline) > MaxInline {
			return nil, fmt.Errorf("task %s: %d bytes of %s state inline, at most %d fit into %s", h.Task, len(h.Inline), h.Kind, MaxInline, MetadataFile)
		}
		h.Files = append([]blob.Ref(nil), h.Files...)
		for j := range h.Files {
			h.Files[j].Name = relative(dir, h.Files[j].Name)
		}
		out.Handles[i] = h
	}
	return encodeFrame("checkpoint", &out)
}

// relative writes a name of the store as seen from dir: inside it, or beside it ("../shared/x").
func relative(dir, name string) string {
	if inside, ok := strings.CutPrefix(name, dir+"/"); ok {
		return inside
	}
	return "../" + name
}

// DecodeManifest reads what Encode wrote. dir is where the snapshot lies in its store now; uri names the file in errors, all of which
// are *SnapshotError.
func DecodeManifest(data []byte, dir, uri string) (*Manifest, error) {
	var m Manifest
	if err := decodeFrame("checkpoint", uri, data, &m); err != nil {
		return nil, err
	}
	for i := range m.Handles {
		for j := range m.Handles[i].Files {
			f := &m.Handles[i].Files[j]
			name := path.Join(dir, f.Name)
			if strings.HasPrefix(name, "../") || path.IsAbs(f.Name) {
				return nil, &SnapshotError{URI: uri, Reason: fmt.Sprintf("names a file outside the run's directory: %s", f.Name), Cause: blob.ErrDamaged}
			}
			f.Name = name
		}
	}
	return &m, nil
}
