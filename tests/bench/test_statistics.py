"""What the benchmark makes of its numbers, shown with numbers that are known."""

import unittest

from contest import at_once
from figures import Sample, fit, percentile, spread
from report import OURS, Comparison, Findings, Growth, Verdict, seconds_text, told


class Figures(unittest.TestCase):
    def test_a_spread_tells_the_median_and_both_ends(self):
        self.assertEqual(spread([3.0, 1.0, 2.0]), (2.0, 1.0, 3.0, 3))
        self.assertEqual(spread([1.0, 4.0]).median, 2.5)

    def test_a_percentile_is_one_of_the_values(self):
        values = [float(number) for number in range(100, 0, -1)]
        self.assertEqual(percentile(values, 0.99), 99.0)
        self.assertEqual(percentile(values, 0.5), 50.0)
        self.assertEqual(percentile([7.0], 0.99), 7.0)
        self.assertEqual(percentile([7.0, 8.0], 0), 7.0)

    def test_a_line_through_points_of_a_line_is_that_line(self):
        line = fit({1: [5.0], 2: [7.0], 4: [11.0]})
        self.assertAlmostEqual(line.start, 3)
        self.assertAlmostEqual(line.slope, 2)
        self.assertAlmostEqual(line.at(10), 23)
        self.assertEqual((line.least, line.most), (2, 2))

    def test_the_range_of_a_slope_is_of_the_steps_between_medians(self):
        line = fit({0: [0.0, 0.0, 9.0], 1: [1.0], 2: [4.0]})
        self.assertEqual((line.least, line.most), (1, 3))

    def test_what_does_not_grow_has_no_slope(self):
        self.assertAlmostEqual(fit({1: [2.0, 4.0], 8: [4.0, 2.0]}).slope, 0)


class Turns(unittest.TestCase):
    def test_what_runs_at_once_costs_together(self):
        sample, = at_once(lambda: [Sample(1.0, 0.5, 10)], lambda: [Sample(2.0, 1.0, 20)])
        self.assertEqual((sample.cpu_seconds, sample.peak_mib), (1.5, 30))


class Telling(unittest.TestCase):
    def findings(self) -> Findings:
        findings = Findings()
        runs = {OURS: [Sample(1.0, 0.5, 10), Sample(3.0, 1.5, 30), Sample(2.0)], "theirs": [Sample(4.0)]}
        findings.comparisons.append(Comparison("cold", "ext4", runs))
        return findings

    def test_a_row_has_the_median_the_range_the_ratio_and_what_it_cost(self):
        heading, ours, theirs = told(self.findings()).splitlines()
        self.assertIn("ours/it", heading)
        self.assertEqual(ours.split(), "ext4: cold ours 2 s 1 s 3 s 3 1 1 s 30".split())
        self.assertEqual(theirs.split(), "theirs 4 s 4 s 4 s 1 0.5 - -".split())

    def test_the_same_in_json(self):
        comparison, = self.findings().as_json()["comparisons"]
        self.assertEqual(comparison["contenders"]["theirs"]["ours_divided_by_it"], 0.5)
        self.assertEqual(comparison["contenders"][OURS]["runs"][0],
                         {"seconds": 1.0, "cpu_seconds": 0.5, "peak_mib": 10})

    def test_a_comparison_without_us_has_no_ratio(self):
        findings = Findings()
        findings.comparisons.append(Comparison("alone", "xfs", {"theirs": [Sample(4.0)]}))
        self.assertEqual(told(findings).splitlines()[1].split(), "xfs: alone theirs 4 s 4 s 4 s 1 - - -".split())

    def test_growth_is_told_with_its_slope(self):
        findings = Findings()
        findings.growths.append(Growth("cold", "ext4", "GiB", {1: [1.0], 2: [1.5]}))
        self.assertIn("500 ms/GiB", told(findings))
        self.assertEqual(findings.as_json()["growth"][0]["line"]["slope"], 0.5)

    def test_short_times_are_told_in_milliseconds(self):
        self.assertEqual(seconds_text(0.0123), "12.3 ms")
        self.assertEqual(seconds_text(1.234), "1.23 s")


class Verdicts(unittest.TestCase):
    def test_a_limit_is_reached_on_its_own_side(self):
        self.assertEqual(Verdict("fast", 1.15, 1.15).word, "reached")
        self.assertEqual(Verdict("fast", 1.15, 1.16).word, "NOT reached")
        self.assertEqual(Verdict("factor", 50, 60, at_least=True).word, "reached")
        self.assertEqual(Verdict("factor", 50, 40, at_least=True).word, "NOT reached")

    def test_what_was_not_measured_is_not_reached_and_says_so(self):
        self.assertEqual(Verdict("fast", 1, None).word, "not measured")
        self.assertIn("not measured", str(Verdict("fast", 1, None)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
