import Foundation

/// What the figures have to reach, and whether they do.
final class Bars: CustomStringConvertible {
    private var rows: [(text: String, isMet: Bool)] = []

    /// Whether all are reached.
    var areMet: Bool { rows.allSatisfy(\.isMet) }

    func add(_ what: String, _ value: Double, atLeast bar: Double) {
        add(what, value, "≥", bar, value >= bar)
    }

    func add(_ what: String, _ value: Double, atMost bar: Double) { add(what, value, "≤", bar, value <= bar) }

    /// Equal to as many places as the bar is written with.
    func add(_ what: String, _ value: Double, is bar: Double) {
        add(what, value, "=", bar, abs(value - bar) < (bar > 10 ? 0.005 : 0.0005) + 1e-9)
    }

    private func add(_ what: String, _ value: Double, _ sign: String, _ bar: Double, _ isMet: Bool) {
        let mark = isMet ? "✓" : "✗"
        rows.append((String(format: "\(mark) %.3f \(sign) %.3f  ", value, bar) + what, isMet))
    }

    var description: String { (["what has to be reached:"] + rows.map(\.text)).joined(separator: "\n") }
}
