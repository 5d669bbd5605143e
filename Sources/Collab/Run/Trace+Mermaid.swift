extension Trace {
    /// The trace as a Mermaid flow chart: one box a step, an arrow from each step to those within it.
    ///
    /// Calls have round boxes, decisions stand in the box of the step that took them, failures are red.
    public var mermaid: String {
        var lines = ["flowchart TD"]
        var failures: [Int] = []
        for node in nodes {
            let (open, close) = node.kind == .call ? ("([", "])") : ("[", "]")
            lines.append("    n\(node.id)\(open)\"\(Self.label(of: node))\"\(close)")
            if node.failure != nil { failures.append(node.id) }
        }
        for node in nodes {
            for child in node.children { lines.append("    n\(node.id) --> n\(child.id)") }
        }
        if !failures.isEmpty {
            lines.append("    classDef failed stroke:#c00,color:#c00")
            lines.append("    class \(failures.map { "n\($0)" }.joined(separator: ",")) failed")
        }
        return lines.joined(separator: "\n")
    }

    private static func label(of node: TraceNode) -> String {
        var parts = [escaped(node.name)]
        if node.kind == .call, let text = node.text {
            parts.append("“\(escaped(String(text.trimmed.prefix(60))))”")
        }
        parts += node.turns.filter(\.isFlip).map { turn in
            escaped("\(turn.speaker): \(turn.before?.description ?? "") → \(turn.answer)")
        }
        parts += node.decisions.map { "→ \(escaped($0.choice))" }
        return parts.joined(separator: "<br/>")
    }

    /// The text with whatever means something to Mermaid written as an entity.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\"": result += "#quot;"
            case "#": result += "#35;"
            case "<": result += "#lt;"
            case ">": result += "#gt;"
            case "&": result += "#amp;"
            case "`": result += "#96;"
            case "\\": result += "#92;"
            case _ where character.isNewline: result += " "
            default: result.append(character)
            }
        }
        return result
    }
}
