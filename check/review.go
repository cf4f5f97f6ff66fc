package check

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/slipway-cd/slipway"
)

// ReviewFile is the file in $REPORTS in which a command asks for reviews.
const ReviewFile = "review"

// A line of the file: the role and a reason.
var reviewLine = regexp.MustCompile(`^([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?):\s*(\S.*)$`)

// mostReviews are the most reviews that a check may ask for.
const mostReviews = 50

// reviews reads which closer looks the command asks for. A file that cannot be read
// is no answer: somebody may be wanted.
func (v *verdict) reviews(f *folders) {
	files, err := match(f.reports, ReviewFile)
	if err == nil && len(files) == 0 {
		return
	}
	var asked []slipway.ReviewRequest
	if err == nil {
		asked, err = readReviews(files[0])
	}
	if err != nil {
		v.errored("%v", err)
	}
	v.result.Reviews = asked
}

func readReviews(file reportFile) ([]slipway.ReviewRequest, error) {
	if file.info.Mode().IsRegular() && file.info.Size() == 0 {
		return nil, nil
	}
	data, err := file.read()
	if err != nil {
		return nil, err
	}
	return parseReviews(data)
}

// parseReviews reads lines such as "security: a new dependency". Blank ones and those
// that begin with # say nothing.
func parseReviews(data []byte) ([]slipway.ReviewRequest, error) {
	var asked []slipway.ReviewRequest
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(plain(line))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := reviewLine.FindStringSubmatch(line)
		if m == nil {
			return asked, fmt.Errorf("$REPORTS/%s, line %d: %q is not a role and a reason; write it as in security: a new dependency", ReviewFile, n, clip(line))
		}
		if len(asked) == mostReviews {
			return asked, fmt.Errorf("$REPORTS/%s asks for more than %d reviews", ReviewFile, mostReviews)
		}
		asked = append(asked, slipway.ReviewRequest{Role: m[1], Reason: clip(m[2])})
	}
	return asked, nil
}
