/// An SVG drawing with a row a module and a column a layer.
package struct HeatMapDrawing {
    /// What stands above it.
    package var title: String
    /// What is shown.
    package var subtitle: String
    /// The modules.
    package var rows: [String]
    /// The layers; `nil` for a column of what is outside of layers.
    package var columns: [Int?]
    /// The texts under both ends of the scale of colours; two ends make it go from blue over white to red.
    package var scale: (low: String, high: String, isTwoSided: Bool)

    package init(
        title: String,
        subtitle: String,
        rows: [String],
        columns: [Int?],
        scale: (low: String, high: String, isTwoSided: Bool)
    ) {
        self.title = title
        self.subtitle = subtitle
        self.rows = rows
        self.columns = columns
        self.scale = scale
    }

    /// Draws.
    ///
    /// - Parameter cell: what is known of a module in a layer: a value from 0 to 1 (from −1 if there are two ends) for its
    ///   colour, and a title, which browsers show beside the pointer; `nil` for an empty place.
    package func svg(cell: (_ row: String, _ column: Int?) -> (value: Double, title: String)?) -> String {
        let (size, left, top) = (18, 190, 52)
        let (width, height) = (
            max(left + columns.count * size + 20, left + 260), top + rows.count * size + 46
        )
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="11">
            <rect width="100%" height="100%" fill="white"/>
            <text x="8" y="18" font-size="13">\(Self.escaped(title))</text>
            <text x="8" y="36" fill="#555">\(Self.escaped(subtitle))</text>

            """
        for (row, name) in rows.enumerated() {
            let y = top + row * size
            svg +=
                "<text x=\"\(left - 6)\" y=\"\(y + 13)\" text-anchor=\"end\">\(Self.escaped(name))</text>\n"
            for (column, layer) in columns.enumerated() {
                guard let (value, title) = cell(name, layer) else { continue }
                svg += """
                    <rect x="\(left + column * size)" y="\(y)" width="\(size - 1)" height="\(size - 1)" \
                    fill="\(Self.colour(value))"><title>\(Self.escaped(title))</title></rect>

                    """
            }
        }
        let bottom = top + rows.count * size + 14
        for (column, layer) in columns.enumerated() {
            guard let layer, layer % 5 == 0 else { continue }
            let x = left + column * size + size / 2
            svg += "<text x=\"\(x)\" y=\"\(bottom)\" text-anchor=\"middle\">\(layer)</text>\n"
        }
        for step in 0...10 {
            let x = left + step * 16
            let value = scale.isTwoSided ? Double(step) / 5 - 1 : Double(step) / 10
            svg += "<rect x=\"\(x)\" y=\"\(bottom + 8)\" width=\"16\" height=\"10\" "
            svg += "fill=\"\(Self.colour(value))\"/>\n"
        }
        svg += "<text x=\"\(left - 6)\" y=\"\(bottom + 17)\" text-anchor=\"end\">"
        svg += Self.escaped(scale.low) + "</text>\n"
        svg += "<text x=\"\(left + 182)\" y=\"\(bottom + 17)\">\(Self.escaped(scale.high))</text>\n</svg>\n"
        return svg
    }

    /// From white over orange to dark red for values from 0 to 1, and over blue for those below 0.
    private static func colour(_ value: Double) -> String {
        let rising: [(Double, Double, Double)] = [
            (255, 252, 245), (253, 174, 97), (215, 48, 39), (103, 0, 31),
        ]
        let falling: [(Double, Double, Double)] = [
            (255, 252, 245), (146, 197, 222), (67, 147, 195), (5, 48, 97),
        ]
        let stops = value < 0 ? falling : rising
        let place = min(1, abs(value.isNaN ? 0 : value)) * Double(stops.count - 1)
        let lower = min(Int(place), stops.count - 2)
        let part = place - Double(lower)
        func channel(_ path: (((Double, Double, Double)) -> Double)) -> String {
            let value = path(stops[lower]) * (1 - part) + path(stops[lower + 1]) * part
            let hexadecimal = String(Int(value.rounded()), radix: 16)
            return hexadecimal.count == 1 ? "0" + hexadecimal : hexadecimal
        }
        return "#" + channel(\.0) + channel(\.1) + channel(\.2)
    }

    private static func escaped(_ text: String) -> String {
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
