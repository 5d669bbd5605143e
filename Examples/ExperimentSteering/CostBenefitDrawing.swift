import Collab
import Foundation

/// Draws what steering gains against what it costs, a point a strength, as SVG.
enum CostBenefitDrawing {
    static func svg(_ points: [SteeringPoint], seed: UInt64) -> String {
        let costs = points.map { $0.perplexity(seed: seed) }
        let most = (costs.map(\.upper).max() ?? 1) * 1.05
        let least = max(0, (costs.map(\.lower).min() ?? 0) * 0.95)
        func x(_ value: Double) -> Double { 70 + 560 * (value - least) / max(most - least, 1e-9) }
        func y(_ value: Double) -> Double { 400 - 360 * value }
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 460" font-family="sans-serif" font-size="12">"#,
            #"<rect width="660" height="460" fill="white"/>"#,
            #"<text x="70" y="24" font-size="15">base + α (expert − anti-expert)</text>"#,
            #"<text x="350" y="444" text-anchor="middle">perplexity of the answers under the base</text>"#,
            #"<text transform="translate(18 220) rotate(-90)" text-anchor="middle">promotional answers, %</text>"#,
        ]
        for part in 0...5 {
            let (share, cost) = (Double(part) / 5, least + (most - least) * Double(part) / 5)
            lines.append(
                #"<path d="M70 \#(place(y(share)))H630M\#(place(x(cost))) 40V400" stroke="gainsboro" fill="none"/>"#
            )
            lines.append(#"<text x="62" y="\#(place(y(share) + 4))" text-anchor="end">\#(part * 20)</text>"#)
            lines.append(
                #"<text x="\#(place(x(cost)))" y="418" text-anchor="middle">\#(String(format: "%.1f", cost))</text>"#
            )
        }
        let centres = zip(points, costs).map { (x($1.estimate), y($0.promotional.estimate)) }
        let path = centres.map { "\(place($0.0)),\(place($0.1))" }.joined(separator: " ")
        lines.append(#"<polyline points="\#(path)" fill="none" stroke="steelblue" stroke-width="1.5"/>"#)
        for (index, point) in points.enumerated() {
            let (across, up) = centres[index]
            let share = point.promotional
            lines.append(
                #"<path d="M\#(place(x(costs[index].lower))) \#(place(up))H\#(place(x(costs[index].upper)))"#
                    + #"M\#(place(across)) \#(place(y(share.lower)))V\#(place(y(share.upper)))" stroke="lightblue" fill="none"/>"#
            )
            lines.append(#"<circle cx="\#(place(across))" cy="\#(place(up))" r="3.5" fill="steelblue"/>"#)
            lines.append(
                #"<text x="\#(place(across + 6))" y="\#(place(up - 6))">\#(point.strength)</text>"#
            )
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func place(_ value: Double) -> String { String(format: "%.1f", value) }
}
