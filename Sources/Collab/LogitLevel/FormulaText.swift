/// A weighted sum in words: coefficients of 1 are left out, and so are terms of weight 0.
func formulaText(_ terms: [(weight: Double, name: String)]) -> String {
    var text = ""
    for (weight, name) in terms where weight != 0 {
        let coefficient = abs(weight) == 1 ? "" : "\(decimal(abs(weight), places: 3)) "
        if text.isEmpty {
            text = (weight < 0 ? "−" : "") + coefficient + name
        } else {
            text += (weight < 0 ? " − " : " + ") + coefficient + name
        }
    }
    return text.isEmpty ? "0" : text
}

/// A number with at most so many decimals, without zeros at its end.
func decimal(_ value: Double, places: Int = 2) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
}
