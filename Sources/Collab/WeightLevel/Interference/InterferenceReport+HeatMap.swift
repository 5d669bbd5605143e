extension InterferenceReport {
    /// What a heat map shows.
    public enum Measure: String, Sendable, CaseIterable, Codable {
        /// ``InterferenceFigures/signConflict``.
        case signConflict
        /// ``InterferenceFigures/cancellation``.
        case cancellation
        /// The mean cosine of the pairs, of which 1 is white and −1 is full colour.
        case disagreement

        func value(_ figures: InterferenceFigures) -> Double {
            switch self {
            case .signConflict: figures.signConflict
            case .cancellation: figures.cancellation
            case .disagreement: (1 - figures.meanCosine) / 2
            }
        }

        var title: String {
            switch self {
            case .signConflict: "sign conflict"
            case .cancellation: "change lost when added"
            case .disagreement: "disagreement, (1 − cosine) ∕ 2"
            }
        }
    }

    /// An SVG drawing with a row a module and a column a layer, darker where there is more interference.
    ///
    /// Each cell has a title with its figures, which browsers show beside the pointer. Tensors outside of layers stand
    /// in a column of their own on the left.
    public func heatMap(of measure: Measure = .cancellation) -> String {
        let columns: [Int?] = [nil] + layers.map(\.layer)
        let rows = modules.map(\.name)
        let (cell, left, top) = (18, 190, 52)
        let (width, height) = (left + columns.count * cell + 20, top + rows.count * cell + 46)
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="11">
            <rect width="100%" height="100%" fill="white"/>
            <text x="8" y="18" font-size="13">\(escaped("\(members.joined(separator: ", ")) from \(base)"))</text>
            <text x="8" y="36" fill="#555">\(escaped(measure.title)) by module and layer</text>

            """
        var places: [TensorModule: InterferenceFigures] = [:]
        for tensor in tensors {
            places[tensor.module, default: InterferenceFigures(memberCount: members.count)].add(
                tensor.figures
            )
        }
        for (row, name) in rows.enumerated() {
            let y = top + row * cell
            svg +=
                "<text x=\"\(left - 6)\" y=\"\(y + 13)\" text-anchor=\"end\">\(escaped(name))</text>\n"
            for (column, layer) in columns.enumerated() {
                guard let figures = places[TensorModule(layer: layer, name: name)] else { continue }
                let value = measure.value(figures)
                let title =
                    "\(name)\(layer.map { ", layer \($0)" } ?? ""): conflict \(percent(figures.signConflict)), "
                    + "lost \(percent(figures.cancellation)), cosine \(decimal(figures.meanCosine, places: 3))"
                svg += """
                    <rect x="\(left + column * cell)" y="\(y)" width="\(cell - 1)" height="\(cell - 1)" \
                    fill="\(Self.colour(value))"><title>\(escaped(title))</title></rect>

                    """
            }
        }
        let bottom = top + rows.count * cell + 14
        for (column, layer) in columns.enumerated() {
            guard let layer, layer % 5 == 0 else { continue }
            let x = left + column * cell + cell / 2
            svg += "<text x=\"\(x)\" y=\"\(bottom)\" text-anchor=\"middle\">\(layer)</text>\n"
        }
        for step in 0...10 {
            let x = left + step * 16
            svg += "<rect x=\"\(x)\" y=\"\(bottom + 8)\" width=\"16\" height=\"10\" "
            svg += "fill=\"\(Self.colour(Double(step) / 10))\"/>\n"
        }
        svg += "<text x=\"\(left - 6)\" y=\"\(bottom + 17)\" text-anchor=\"end\">0</text>\n"
        svg += "<text x=\"\(left + 182)\" y=\"\(bottom + 17)\">1</text>\n</svg>\n"
        return svg
    }

    /// From white over orange to dark red, for values from 0 to 1.
    private static func colour(_ value: Double) -> String {
        let stops: [(Double, Double, Double)] = [
            (255, 252, 245), (253, 174, 97), (215, 48, 39), (103, 0, 31),
        ]
        let place = min(1, max(0, value)) * Double(stops.count - 1)
        let lower = min(Int(place), stops.count - 2)
        let part = place - Double(lower)
        func channel(_ path: (((Double, Double, Double)) -> Double)) -> String {
            let value = path(stops[lower]) * (1 - part) + path(stops[lower + 1]) * part
            let hexadecimal = String(Int(value.rounded()), radix: 16)
            return hexadecimal.count == 1 ? "0" + hexadecimal : hexadecimal
        }
        return "#" + channel(\.0) + channel(\.1) + channel(\.2)
    }

    private func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}

extension TensorModule {
    init(layer: Int?, name: String) {
        self.layer = layer
        self.name = name
    }
}
