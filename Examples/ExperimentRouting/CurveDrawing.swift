import CollabRouting
import Foundation

/// Draws curves of strong calls and accuracy as SVG.
enum CurveDrawing {
    static func svg(title: String, _ curves: [(name: String, curve: StrongShareCurve)]) -> String {
        let colours = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#7f7f7f"]
        let values = curves.flatMap(\.curve.qualities)
        let low = (values.min() ?? 0) - 0.01, high = (values.max() ?? 1) + 0.01
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 460" font-family="sans-serif" font-size="12">"#,
            #"<rect width="720" height="460" fill="white"/>"#,
            #"<text x="60" y="24" font-size="15">\#(title)</text>"#,
        ]
        for tenth in stride(from: 0, through: 10, by: 2) {
            let x = 60 + 44 * tenth
            let accuracy = low + (high - low) * Double(tenth) / 10
            let y = 400 - 36 * tenth
            lines.append(#"<text x="\#(x)" y="418" text-anchor="middle">\#(tenth * 10) %</text>"#)
            lines.append(
                #"<text x="54" y="\#(y + 4)" text-anchor="end">\#(String(format: "%.1f", accuracy * 100))</text>"#
            )
            lines.append(#"<path d="M60 \#(y)H500M\#(x) 40V400" stroke="gainsboro" fill="none"/>"#)
        }
        let axis = "calls of the strong model, each at 24.7 times the price of the weak one"
        lines.append(#"<text x="280" y="444" text-anchor="middle">\#(axis)</text>"#)
        for (index, (name, curve)) in curves.enumerated() {
            let step = max(1, curve.count / 200)
            let points = stride(from: 0, through: curve.count, by: step).map { count in
                let x = 60 + 440 * Double(count) / Double(max(curve.count, 1))
                let y = 400 - 360 * (curve.qualities[count] - low) / (high - low)
                return String(format: "%.1f,%.1f", x, y)
            }
            let colour = colours[index % colours.count]
            lines.append(
                #"<polyline points="\#(points.joined(separator: " "))" fill="none" stroke="\#(colour)" stroke-width="1.5"/>"#
            )
            lines.append(#"<text x="512" y="\#(60 + 20 * index)" fill="\#(colour)">\#(name)</text>"#)
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }
}
