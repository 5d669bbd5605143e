extension Trace: CustomStringConvertible {
    /// The trace as a tree of plain text.
    public var description: String { tree(style: .plain) }

    /// The trace as a tree with colours for a terminal (ANSI escape codes).
    public var styled: String { tree(style: .ansi) }

    /// How a tree is drawn.
    public enum Style: Hashable, Sendable {
        /// Text alone.
        case plain
        /// With ANSI escape codes.
        case ansi
    }

    /// The trace as a tree.
    ///
    /// - Parameters:
    ///   - style: with or without colours.
    ///   - excerptLength: how many characters of a text are shown at most.
    public func tree(style: Style, excerptLength: Int = 120) -> String {
        TracePrinter(style: style, excerptLength: max(excerptLength, 1)).print(self)
    }
}

/// Draws a trace as a tree.
struct TracePrinter {
    let style: Trace.Style
    let excerptLength: Int

    /// What a piece of text is, which decides its colour.
    private enum Tone: String {
        case name = "1"
        case detail = "2"
        case choice = "36"
        case failure = "31"
    }

    func print(_ trace: Trace) -> String {
        var lines: [String] = []
        append(trace.root, first: "", rest: "", to: &lines)
        return lines.joined(separator: "\n")
    }

    private func append(_ node: TraceNode, first: String, rest: String, to lines: inout [String]) {
        lines.append(first + paint(node.name, .name) + details(of: node))
        let inner = rest + (node.children.isEmpty ? "    " : "│   ")
        for line in body(of: node) { lines.append(inner + line) }
        for (index, child) in node.children.enumerated() {
            let isLast = index == node.children.count - 1
            append(
                child,
                first: rest + (isLast ? "└── " : "├── "),
                rest: rest + (isLast ? "    " : "│   "),
                to: &lines
            )
        }
    }

    /// Calls, tokens, money, time and confidence, as far as there are any.
    private func details(of node: TraceNode) -> String {
        var parts: [String] = []
        let usage = node.usage
        if node.kind != .call, usage.calls > 0 {
            parts.append(usage.calls == 1 ? "1 call" : "\(usage.calls) calls")
        }
        if usage.totalTokens > 0 { parts.append("\(usage.promptTokens) + \(usage.completionTokens) tokens") }
        if usage.cost > .zero { parts.append("\(usage.cost)") }
        if usage.unpricedCalls > 0 {
            let isAll = usage.unpricedCalls == usage.calls
            parts.append(isAll ? "cost unknown" : "cost of \(usage.unpricedCalls) unknown")
        }
        if let duration = node.duration { parts.append(duration.readable) }
        if let confidence = node.confidence { parts.append("confidence \(Self.readable(confidence))") }
        return parts.isEmpty ? "" : "  " + paint(parts.joined(separator: " · "), .detail)
    }

    private func body(of node: TraceNode) -> [String] {
        var lines: [String] = []
        if node.kind == .call, let text = node.text { lines.append("“\(excerpt(text))”") }
        for turn in node.turns { lines.append(line(for: turn)) }
        for note in node.notes { lines.append(paint("\(note.key): ", .detail) + excerpt(note.value)) }
        for decision in node.decisions {
            lines.append(
                paint("→ \(excerpt(decision.choice))", .choice) + paint("  \(decision.reason)", .detail)
            )
            let scores = decision.scores.map { score in
                "\(excerpt(score.candidate)) \(score.value.map(Self.readable) ?? "–")\(score.costs)"
            }
            let threshold = decision.threshold.map { "  (threshold \(Self.readable($0)))" } ?? ""
            if !scores.isEmpty {
                lines.append(paint("  " + scores.joined(separator: " · ") + threshold, .detail))
            }
        }
        if let failure = node.failure {
            let billing = node.billing == .possiblyBilled ? "  (possibly billed)" : ""
            lines.append(paint("✗ \(excerpt(failure))\(billing)", .failure))
        }
        return lines
    }

    /// A number with at most three decimals.
    private static func readable(_ value: Double) -> String {
        let text = "\(value.rounded(toPlaces: 3))"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private func line(for turn: Turn) -> String {
        let change = turn.isFlip ? "\(turn.before?.description ?? "") → " : ""
        let heard = turn.heard.isEmpty ? "" : "  (heard \(turn.heard.joined(separator: ", ")))"
        let said = turn.isRemark == true ? "a remark" : "\(change)\(turn.answer)"
        return "\(turn.speaker): " + paint(excerpt(said), .choice) + paint(heard, .detail)
    }

    /// A text in one line, not too long, without control characters: what a model writes must not steer the terminal.
    private func excerpt(_ text: String) -> String {
        var result = ""
        for character in text.trimmed {
            if character.isNewline || character == "\t" {
                result.append("⏎")
            } else if character.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) {
                result.append(character)
            }
        }
        return result.count <= excerptLength ? result : result.prefix(excerptLength) + "…"
    }

    private func paint(_ text: String, _ tone: Tone) -> String {
        style == .plain || text.isEmpty ? text : "\u{1b}[\(tone.rawValue)m\(text)\u{1b}[0m"
    }
}

extension Duration {
    /// The duration in the unit in which it reads best.
    var readable: String {
        let seconds = Double(components.seconds) + Double(components.attoseconds) * 1e-18
        switch seconds {
        case ..<0.000_01: return "0 ms"
        case ..<0.01: return "\((seconds * 1000).rounded(toPlaces: 2)) ms"
        case ..<1: return "\(Int((seconds * 1000).rounded())) ms"
        case ..<100: return "\(seconds.rounded(toPlaces: 2)) s"
        default: return "\(Int64(min(seconds, 1e15).rounded())) s"
        }
    }
}
