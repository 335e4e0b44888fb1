internal import Bridge

extension PipelinePlan {
    /// The runner for this plan's kind of work; nothing is started yet.
    func makeRunner(_ context: RunnerContext) -> any PipelineRunner {
        switch work {
        case .publish(let plan): PublishRunner(plan: plan, context: context)
        case .view(let plan): ViewRunner(plan: plan, context: context)
        case .conference(let plan): ConferenceRunner(plan: plan, context: context)
        case .camera(let plan): CameraRunner(plan: plan, context: context)
        case .capture(let plan): CaptureRunner(plan: plan, context: context)
        case .record(let plan): RecordRunner(plan: plan, context: context)
        case .finish(let plan): FinishRunner(plan: plan, context: context)
        case .picture(let plan): PictureRunner(plan: plan, context: context)
        case .thumbnails(let plan): ThumbnailRunner(plan: plan, context: context)
        case .talk(let plan): TalkRunner(plan: plan, context: context)
        case .composite(let plan): CompositeRunner(plan: plan, context: context)
        case .push(let plan): PushRunner(plan: plan, context: context)
        case .listen(let plan): ListenRunner(plan: plan, context: context)
        }
    }
}
