package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

type header struct {
	Time  string `json:"time"`
	Job   string `json:"job"`
	Run   string `json:"run"`
	Event string `json:"event"`
}

// timeFormat has always six digits, so that lines align and sort.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// MarshalJSON writes time, job, run and event, then the fields of the body, as one flat object.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Body == nil {
		return nil, fmt.Errorf("event of job %q has no body", e.Job)
	}
	head, err := plain(header{e.Time.UTC().Format(timeFormat), e.Job, e.Run, e.Body.Name()})
	if err != nil {
		return nil, err
	}
	body, err := plain(e.Body)
	if err != nil {
		return nil, err
	}
	if len(body) == len("{}") {
		return head, nil
	}
	head[len(head)-1] = ','
	return append(head, body[1:]...), nil
}

// plain is json.Marshal that leaves <, > and & as they are: causes are read by people.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// UnmarshalJSON reads what MarshalJSON wrote. An event of an unknown kind is an error.
func (e *Event) UnmarshalJSON(data []byte) error {
	var h header
	if err := json.Unmarshal(data, &h); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339Nano, h.Time)
	if err != nil {
		return err
	}
	for _, b := range bodies() {
		if b.Name() != h.Event {
			continue
		}
		if err := json.Unmarshal(data, b); err != nil {
			return err
		}
		*e = Event{Time: at, Job: h.Job, Run: h.Run, Body: b}
		return nil
	}
	return fmt.Errorf("unknown event %q", h.Event)
}
