import Testing

@testable import Collab

@Suite("Adam's steps")
struct AdamStepsTests {
    @Test("are as long as the rate while the slope stays the same: both means are corrected")
    func constantSlope() {
        var values = [1.0, -2, 0.5]
        var adam = AdamSteps(count: 3, rate: 0.01)
        for step in 1...5 {
            adam.step(&values, gradient: [3, -0.5, 1], target: [0, 0, 1])
            for (found, wanted) in zip(
                values,
                [1 - 0.01 * Double(step), -2 + 0.01 * Double(step), 0.5]
            ) {
                #expect(abs(found - wanted) < 1e-9)
            }
        }
    }

    @Test("follow the means of what slopes have been")
    func changingSlope() {
        var values = [0.0]
        var adam = AdamSteps(count: 1, rate: 0.1)
        var (mean, square, wanted) = (0.0, 0.0, 0.0)
        var (meanDecay, squareDecay) = (1.0, 1.0)
        for slope in [2.0, -6, 1, 0.25] {
            adam.step(&values, gradient: [slope], target: [slope / 2])
            mean = 0.9 * mean + 0.1 * slope
            square = 0.999 * square + 0.001 * slope * slope
            (meanDecay, squareDecay) = (meanDecay * 0.9, squareDecay * 0.999)
            wanted -= 0.1 * (mean / (1 - meanDecay)) / ((square / (1 - squareDecay)).squareRoot() + 1e-8)
            #expect(abs(values[0] - wanted) < 1e-12)
        }
    }
}
