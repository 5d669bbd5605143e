extension InterferenceReport: CustomStringConvertible {
    /// Tables: the members, their pairs, and the modules from the most to the least disturbed.
    public var description: String {
        let total = total
        var lines = [
            "\(members.count) task vectors from \(base), \(total.elementCount) elements",
            "sign conflict \(percent(total.signConflict)), cancelled when added \(percent(total.cancellation))",
            "",
            row(["member", "length ∕ base", "disturbed by the others"]),
        ]
        for (index, member) in members.enumerated() {
            let foreign = decimal(total.predictedInterference(on: index), places: 2)
            lines.append(
                row([member, percent(total.relativeNorm(of: index)), "\(foreign) × its own length"])
            )
        }
        if members.count > 1 {
            lines += ["", row(["pair", "cosine", ""])]
            for first in members.indices {
                for second in (first + 1)..<max(members.count, first + 1) {
                    let cosine = decimal(total.cosine(first, second), places: 3)
                    lines.append(row(["\(members[first]), \(members[second])", cosine, ""]))
                }
            }
        }
        lines += ["", row(["module", "sign conflict", "cancelled"])]
        let sorted = modules.enumerated()
            .sorted {
                ($0.element.figures.cancellation, $1.offset) > ($1.element.figures.cancellation, $0.offset)
            }
        for (_, module) in sorted {
            let figures = module.figures
            lines.append(row([module.name, percent(figures.signConflict), percent(figures.cancellation)]))
        }
        if let subspaces {
            let (outputs, inputs) = subspaces.chance
            lines += ["", row(["pair", "common outputs", "common inputs"])]
            for first in members.indices {
                for second in (first + 1)..<max(members.count, first + 1) {
                    lines.append(
                        row([
                            "\(members[first]), \(members[second])",
                            percent(subspaces.outputs(first, second)),
                            percent(subspaces.inputs(first, second)),
                        ])
                    )
                }
            }
            lines.append(row(["at random", percent(outputs), percent(inputs)]))
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ cells: [String]) -> String {
        let widths = [34, 16, 0]
        var text = ""
        for (cell, width) in zip(cells, widths) {
            text += cell + String(repeating: " ", count: max(1, width - cell.count))
        }
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// A share as a percentage with one decimal.
func percent(_ share: Double) -> String { decimal(share * 100, places: 1) + " %" }
