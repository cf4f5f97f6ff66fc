package gluetest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

type filtered struct {
	event
	stream string
}

// filterLogEvents knows patterns of words, which must all be in the message.
func (w *world) filterLogEvents(in object) (object, error) {
	streams, err := w.group(in)
	if err != nil {
		return nil, err
	}
	most, err := w.limit(in, 10000, 10000)
	if err != nil {
		return nil, err
	}
	found, err := match(streams, in)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(found) > most {
		found = found[:most]
		next = strconv.Itoa(found[most-1].seq)
	}
	shown := []any{}
	for _, e := range found {
		shown = append(shown, object{
			"logStreamName": e.stream, "timestamp": e.time, "ingestionTime": e.arrived,
			"message": e.message, "eventId": strconv.Itoa(e.seq),
		})
	}
	return withToken(object{"events": shown, "searchedLogStreams": []any{}}, next), nil
}

// match finds events in the order in which they were written.
func match(streams map[string][]event, in object) ([]filtered, error) {
	if strings.ContainsAny(str(in, "filterPattern"), `?-{}[]%"`) {
		return nil, badParameter("The fake knows patterns of plain words only")
	}
	since := 0
	if token := str(in, "nextToken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil {
			return nil, badParameter("The specified nextToken is invalid.")
		}
		since = n
	}
	var found []filtered
	for _, name := range withPrefix(streams, str(in, "logStreamNamePrefix")) {
		if has(in, "logStreamNames") && !slices.Contains(list(in, "logStreamNames"), any(name)) {
			continue
		}
		for _, e := range streams[name] {
			if e.seq > since && within(e, in) && containsAll(e.message, strings.Fields(str(in, "filterPattern"))) {
				found = append(found, filtered{event: e, stream: name})
			}
		}
	}
	slices.SortFunc(found, func(a, b filtered) int { return cmp.Compare(a.seq, b.seq) })
	return found, nil
}

func containsAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}
