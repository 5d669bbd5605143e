extension RoutingHealth: CustomStringConvertible {
    /// The report as plain text.
    public var description: String {
        var lines = ["\(count) decisions"]
        let rows = groups.map { group in
            [
                group.member, group.kind.isEmpty ? "–" : group.kind, "\(group.count)",
                group.quality.map { "\($0.rounded(toPlaces: 3))" } ?? "–",
                group.interval.map {
                    "\($0.lowerBound.rounded(toPlaces: 2))…\($0.upperBound.rounded(toPlaces: 2))"
                } ?? "–", "\(group.cost.rounded(toPlaces: 6))", "\(group.latency.rounded(toPlaces: 2)) s",
            ]
        }
        lines += Self.table([["member", "kind", "answers", "quality", "95 %", "cost", "time"]] + rows)
        for (member, quality) in calibration.sorted(by: { $0.key < $1.key }) {
            let ranking =
                quality.areaUnderROC.map { ", area under the curve \($0.rounded(toPlaces: 3))" } ?? ""
            lines.append(
                "\(member): calibration error \(quality.expectedCalibrationError.rounded(toPlaces: 3))\(ranking)"
            )
        }
        if deferral.decisions > 0 {
            lines.append(
                """
                asked on: \(deferral.deferred) of \(deferral.decisions); without need: \
                \(deferral.overDeferred) of \(deferral.deferredRated); bad answers accepted: \
                \(deferral.underDeferred) of \(deferral.acceptedRated)
                """
            )
        }
        lines += findings.isEmpty ? ["nothing is out of place"] : findings.map { "! \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func table(_ rows: [[String]]) -> [String] {
        guard let columns = rows.first?.indices else { return [] }
        let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            columns.map { row[$0] + String(repeating: " ", count: widths[$0] - row[$0].count) }
                .joined(separator: "  ").trimmingEnd
        }
    }
}

extension String {
    fileprivate var trimmingEnd: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
