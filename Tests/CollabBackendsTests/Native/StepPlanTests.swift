import Testing

@testable import CollabBackends

/// Who gets how many rows of a step.
@Suite struct StepPlanTests {
    @Test func aLonePromptGetsTheWholeStep() {
        #expect(plan([5000]) == [512])
        #expect(plan([300]) == [300])
    }

    @Test func decodersComeFirstAndWhole() {
        #expect(plan([1, 1, 1]) == [1, 1, 1])
        #expect(plan([5000, 1, 4, 1]) == [64, 1, 4, 1])
    }

    @Test func promptsFillWhatIsLeftTheOldestFirst() {
        #expect(plan([400, 400]) == [400, 112])
        #expect(plan([600, 400]) == [512, 0])
    }

    @Test func moreDecodersThanRowsWait() {
        #expect(plan([8, 8, 8], capacity: 16) == [8, 8, 0])
    }

    @Test func noNumberOfDecodersHoldsUpAPrompt() {
        #expect(plan([5000] + Array(repeating: 1, count: 600)).first == 64)
        #expect(plan([1, 1, 1, 1, 1, 1, 1, 1, 5000], capacity: 8) == [1, 1, 1, 1, 1, 1, 1, 0, 1])
        // With nothing to keep rows for, decoders have them all.
        #expect(plan([1, 1, 1, 1, 1, 1, 1, 1], capacity: 8) == [1, 1, 1, 1, 1, 1, 1, 1])
    }

    @Test func aJobTakesNoMoreThanItCan() {
        #expect(StepPlan(pending: [300, 300], most: [64, .max], capacity: 512).rows == [64, 300])
    }

    @Test func noStepIsEmptyWhileSomebodyWaits() {
        for count in [1, 7, 8, 9, 511, 512, 513, 100_000] { #expect(plan([count]).reduce(0, +) > 0) }
    }

    private func plan(_ pending: [Int], capacity: Int = 512) -> [Int] {
        StepPlan(pending: pending, most: pending.map { _ in .max }, capacity: capacity).rows
    }
}
