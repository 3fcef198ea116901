from ui.quick_gradio import leave_out_stubs

leave_out_stubs()  # as the app does
